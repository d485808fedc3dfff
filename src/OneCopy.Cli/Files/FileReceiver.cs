using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Files;

/// <summary>Writes messages to files: straight from where the sender has them into the mapped file.</summary>
internal sealed class FileReceiver(Destination destination)
{
    private const int Piece = 1 << 20;

    /// <summary>The name that the message asks for; messages of other programs have none and get one.</summary>
    public static string NameOf(ReceivedMessage message) =>
        message.Properties.Headers.TryGetValue(FileHeaders.Name, out string? name) ? name : $"message-{message.Id}";

    /// <summary>
    /// Writes the message beside its place, moves it there in one step, and completes it. A process killed on the way leaves the message in the queue
    /// and no half file under its name.
    /// </summary>
    /// <exception cref="RefusedNameException">The name is not acceptable; the message is still held.</exception>
    public void Write(ReceivedMessage message, string name, CancellationToken ct) => Write(message, name, replace: true, ct);

    /// <summary>The same, but no file is replaced: one whose name is taken gets -2, -3 … before its extension. Returns the name it has.</summary>
    /// <exception cref="RefusedNameException">The name is not acceptable; the message is still held.</exception>
    public string WriteNew(ReceivedMessage message, string name, CancellationToken ct) => Write(message, name, replace: false, ct);

    private string Write(ReceivedMessage message, string name, bool replace, CancellationToken ct)
    {
        (SafeFileHandle directory, string file) = destination.Enter(name);
        using (directory)
        {
            string temporary = Destination.PathIn(directory, $".onecopy-{Guid.NewGuid():N}.part");
            string final;
            try
            {
                using (SafeFileHandle handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
                    Fill(handle, message, ct);
                final = replace ? Replace(directory, temporary, file, name) : TakeFreeName(directory, temporary, file, name);
            }
            catch
            {
                Fcntl.unlink(temporary);
                throw;
            }

            try
            {
                message.Complete();
            }
            catch (MessageWithdrawnException)
            {
                Fcntl.unlink(final);
                throw;
            }

            return name[..^file.Length] + Path.GetFileName(final);
        }
    }

    private static string Replace(SafeFileHandle directory, string temporary, string file, string name)
    {
        string final = Destination.PathIn(directory, file);
        Refuse(Fcntl.rename(temporary, final), "rename", name);
        return final;
    }

    // link fails where a name is taken, by whatever it is: what is there is never touched.
    private static string TakeFreeName(SafeFileHandle directory, string temporary, string file, string name)
    {
        for (int number = 1; ; number++)
        {
            string free = number == 1 ? file : $"{Path.GetFileNameWithoutExtension(file)}-{number}{Path.GetExtension(file)}";
            string final = Destination.PathIn(directory, free);
            SysResult linked = Fcntl.link(temporary, final);
            if (linked.Errno == Errno.EEXIST)
                continue;
            if (linked.Errno is Errno.EPERM or Errno.EOPNOTSUPP)
            {
                // A file system without hard links.
                if (Stat.Of(final, out _, followLinks: false).Succeeded)
                    continue;
                return Replace(directory, temporary, free, name);
            }

            Refuse(linked, "link", name);
            Fcntl.unlink(temporary);
            return final;
        }
    }

    private static void Refuse(SysResult result, string call, string name)
    {
        if (result.Errno is Errno.EISDIR or Errno.ENAMETOOLONG)
            throw new RefusedNameException(result.Errno == Errno.EISDIR ? "there is a directory of that name" : "a part of it is too long");
        result.OrThrow(call, name);
    }

    private static void Fill(SafeFileHandle handle, ReceivedMessage message, CancellationToken ct)
    {
        if (message.Length == 0)
            return;
        using MappedFile file = MappedFile.FromHandle(handle);
        file.SetLength(message.Length);
        MappedView view;
        try
        {
            view = file.Map();
        }
        catch (OneCopyException e) when (e.Errno == Errno.ENODEV)
        {
            FillByWriting(handle, message, ct);
            return;
        }

        using (view)
            message.CopyTo(view, cancellationToken: ct);
    }

    /// <summary>For file systems that cannot map files: through a buffer.</summary>
    private static void FillByWriting(SafeFileHandle file, ReceivedMessage message, CancellationToken ct)
    {
        byte[] buffer = new byte[(int)Math.Min(Piece, message.Length)];
        for (long at = 0; at < message.Length; at += buffer.Length)
        {
            Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, message.Length - at));
            message.CopyTo(at, piece, ct);
            RandomAccess.Write(file, piece, at);
        }
    }
}

using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Files;

/// <summary>Writes messages to files: straight from where the sender has them into the mapped file.</summary>
internal sealed unsafe class FileReceiver(Destination destination)
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
    public void Write(ReceivedMessage message, string name, CancellationToken ct)
    {
        (SafeFileHandle directory, string file) = destination.Enter(name);
        using (directory)
        {
            string temporary = Destination.PathIn(directory, $".onecopy-{Guid.NewGuid():N}.part");
            string final = Destination.PathIn(directory, file);
            try
            {
                using (SafeFileHandle handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
                    Fill(handle, message, name, ct);
                SysResult moved = Fcntl.rename(temporary, final);
                if (moved.Errno is Errno.EISDIR or Errno.ENAMETOOLONG)
                    throw new RefusedNameException(moved.Errno == Errno.EISDIR ? "there is a directory of that name" : "a part of it is too long");
                moved.OrThrow("rename", name);
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
        }
    }

    private static void Fill(SafeFileHandle file, ReceivedMessage message, string name, CancellationToken ct)
    {
        if (message.Length == 0)
            return;

        // Allocated, not only sized: a full disk is an error here and not a SIGBUS in the middle of the copy.
        SysResult allocated = Fcntl.fallocate(file, 0, message.Length);
        if (allocated.Errno is Errno.EOPNOTSUPP or Errno.ENOSYS)
        {
            FillByWriting(file, message, ct);
            return;
        }

        allocated.OrThrow("fallocate", name, allocated.Errno == Errno.ENOSPC ? "The disk is full: make room, and receive again; the message is still in the queue." : null);
        nuint length = (nuint)message.Length;
        nint start = Mman.mmap(0, length, Prot.Read | Prot.Write, Map.Shared, (int)file.DangerousGetHandle(), 0).OrThrow("mmap", name);
        try
        {
            message.CopyTo(0, (byte*)start, message.Length, ct);
        }
        finally
        {
            Mman.munmap(start, length);
        }
    }

    /// <summary>For file systems that cannot allocate in advance: through a buffer.</summary>
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

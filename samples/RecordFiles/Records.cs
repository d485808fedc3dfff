using Microsoft.Win32.SafeHandles;
using OneCopy;

namespace RecordFiles;

public static class Records
{
    /// <summary>Header and body in one call: nothing is put together in a buffer first, nothing is allocated.</summary>
    public static void Append(SafeFileHandle file, ReadOnlySpan<byte> body)
    {
        Span<byte> header = stackalloc byte[sizeof(long)];
        BitConverter.TryWriteBytes(header, (long)body.Length);
        VectoredIO.WriteAll(file, [header, body]);
    }

    /// <summary>The records where they are, in the page cache: nothing is read into a buffer.</summary>
    public static (long Records, long Bytes) Count(string path)
    {
        using var file = MappedFile.Open(path);
        using var view = file.Map();
        long records = 0, bytes = 0;
        for (long at = 0; at < view.Length; records++)
        {
            long length = view.Read<long>(at);                          // throws if it is not all inside the view
            bytes += view.AsSequence(at + sizeof(long), length).Length;
            at += sizeof(long) + length;
        }

        view.ThrowIfDamaged();                                          // somebody truncated it meanwhile: no SIGBUS, an exception
        return (records, bytes);
    }

    /// <summary>The old copy or the new one, whenever this is interrupted; holes stay holes.</summary>
    public static string Backup(string path, string copy)
    {
        var options = new FileCopyOptions { Atomic = true, Durability = CopyDurability.Full, Verify = true };
        FileCopyResult result = FileCopier.Copy(path, copy, options);
        return $"{result.Length} bytes by {string.Join(", ", result.Engines)}";
    }
}

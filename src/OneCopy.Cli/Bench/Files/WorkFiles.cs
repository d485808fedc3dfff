using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OneCopy.Cli.Bench.Files;

/// <summary>Files of one size to copy or read, on storage as well as in the page cache, so that they can be taken out of it.</summary>
internal sealed class WorkFiles : IDisposable
{
    private const int Block = 1 << 20;

    private WorkFiles(string directory, long size, int count)
    {
        Size = size;
        Paths = [.. Enumerable.Range(0, count).Select(i => Path.Combine(directory, $"source-{size}-{i}"))];
    }

    public long Size { get; }

    public IReadOnlyList<string> Paths { get; }

    /// <summary>Bytes that no file system can compress, the same in each run.</summary>
    public static WorkFiles Make(string directory, long size, int count, CancellationToken ct)
    {
        WorkFiles files = new(directory, size, count);
        try
        {
            ulong[] block = new ulong[Block / sizeof(ulong)];
            Random.Shared.NextBytes(MemoryMarshal.AsBytes(block.AsSpan()));
            foreach (string path in files.Paths)
                Write(path, size, block, ct);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>All of it into the page cache.</summary>
    public void Warm()
    {
        byte[] buffer = new byte[Block];
        foreach (string path in Paths)
        {
            using SafeFileHandle file = File.OpenHandle(path);
            int n;
            for (long at = 0; at < Size && (n = RandomAccess.Read(file, buffer, at)) > 0; at += n)
            {
                // To have it in the cache is the purpose.
            }
        }
    }

    /// <summary>All of it out of the page cache; says why not, if it is still there.</summary>
    public string? Evict()
    {
        foreach (string path in Paths)
        {
            if (PageCache.Evict(path) is { } reason)
                return reason;
        }

        return null;
    }

    public void Dispose()
    {
        foreach (string path in Paths)
            File.Delete(path);
    }

    private static void Write(string path, long size, ulong[] block, CancellationToken ct)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, preallocationSize: size);
        Span<byte> bytes = MemoryMarshal.AsBytes(block.AsSpan());
        for (long at = 0; at < size; at += bytes.Length)
        {
            ct.ThrowIfCancellationRequested();
            for (int i = 0; i < block.Length; i += 64)
                block[i] += (ulong)at + 1;
            RandomAccess.Write(file, bytes[..(int)Math.Min(bytes.Length, size - at)], at);
        }

        // A page that is not on storage yet cannot be taken out of the cache (posix_fadvise(2)).
        RandomAccess.FlushToDisk(file);
    }
}

using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Files;

/// <summary>What the kernel keeps of a file in memory.</summary>
internal static unsafe class PageCache
{
    // Beside a page or two that somebody touches meanwhile, it must be gone.
    private const double Cold = 0.01;

    /// <summary>Has a file taken out of the page cache, and looks whether it is gone; why not, or null.</summary>
    public static string? Evict(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        Syscall.Invoke(221, file.Fd(), 0, 0, 4).OrThrow("posix_fadvise", path);
        double left = ResidentShare(file, path);
        return left <= Cold ? null : $"{left:P0} of {path} stayed in memory after posix_fadvise(POSIX_FADV_DONTNEED)";
    }

    /// <summary>How much of the file is in the page cache, from 0 to 1 (mincore(2)).</summary>
    public static double ResidentShare(SafeFileHandle file, string path)
    {
        long length = RandomAccess.GetLength(file);
        if (length == 0)
            return 0;
        using MemoryMapping map = MemoryMapping.OfFile(file, 0, length, Prot.Read, path);
        byte[] pages = new byte[(length + Environment.SystemPageSize - 1) / Environment.SystemPageSize];
        fixed (byte* p = pages)
            Syscall.Invoke(27, (nint)map.Address, (nint)length, (nint)p).OrThrow("mincore", path);
        return pages.Count(static page => (page & 1) != 0) / (double)pages.Length;
    }
}

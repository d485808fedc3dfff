using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Files;

/// <summary>What the kernel keeps of a file in memory.</summary>
internal static class PageCache
{
    // Beside a page or two that somebody touches meanwhile, it must be gone.
    private const double Cold = 0.01;

    /// <summary>Has a file taken out of the page cache, and looks whether it is gone; why not, or null.</summary>
    public static string? Evict(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        FileCache.posix_fadvise(file.Fd(), 0, 0, Fadvise.DontNeed).OrThrow("posix_fadvise", path);
        double left = ResidentShare(path);
        return left <= Cold ? null : $"{left:P0} of {Path.GetFileName(path)} stayed in memory after posix_fadvise(POSIX_FADV_DONTNEED)";
    }

    /// <summary>How much of the file is in the page cache, from 0 to 1 (mincore(2)).</summary>
    public static double ResidentShare(string path)
    {
        using MappedFile file = MappedFile.Open(path);
        if (file.Length == 0)
            return 0;
        using MappedView view = file.Map();
        return view.CountResidentPages(0, view.Length) / (double)view.CountPages(0, view.Length);
    }
}

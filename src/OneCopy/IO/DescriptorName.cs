using OneCopy.Interop;

namespace OneCopy;

/// <summary>What a descriptor is, in words, for the text of an exception: asked for after a failure, mostly.</summary>
internal static class DescriptorName
{
    /// <summary>"/tmp/x (descriptor 7)", "pipe:[4711] (descriptor 7)".</summary>
    public static string Of(int fd)
    {
        string? target = null;
        try
        {
            target = new FileInfo($"/proc/self/fd/{fd}").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc here: the number has to do.
        }
        return target is null ? $"descriptor {fd}" : $"{target} (descriptor {fd})";
    }

    /// <summary>"ext4", "a pipe", or "this file system" where nothing can be asked of the descriptor.</summary>
    public static string FileSystemOf(int fd)
    {
        if (!Stat.Of(fd, out statx status).Succeeded)
            return "this file system";
        return (status.stx_mode & Stat.S_IFMT) switch
        {
            0x1000 => "a pipe",
            0xc000 => "a socket",
            0x2000 => "this device",
            0x6000 => "a block device",
            _ => FileSystem.NameOf(fd),
        };
    }
}

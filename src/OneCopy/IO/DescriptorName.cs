using System.Globalization;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>What a descriptor is, in words, for the text of an exception: asked for after a failure alone.</summary>
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

    /// <summary>"ext4", "a pipe", or "this file system" where the kernel's list of mounts does not name it.</summary>
    public static string FileSystemOf(int fd)
    {
        if (!Stat.Of(fd, out statx status).Succeeded)
            return "this file system";
        string? kind = (status.stx_mode & Stat.S_IFMT) switch
        {
            0x1000 => "a pipe",
            0xc000 => "a socket",
            0x2000 => "this device",
            0x6000 => "a block device",
            _ => null,
        };
        if (kind is not null)
            return kind;
        string device = string.Create(CultureInfo.InvariantCulture, $"{status.stx_dev_major}:{status.stx_dev_minor}");
        try
        {
            // 36 35 98:0 /root /mount options shared:1 - ext4 /dev/vda rw
            foreach (string line in File.ReadLines("/proc/self/mountinfo"))
            {
                string[] words = line.Split(' ');
                int dash = Array.IndexOf(words, "-");
                if (words.Length > 2 && string.Equals(words[2], device, StringComparison.Ordinal) && dash > 0 && dash + 1 < words.Length)
                    return words[dash + 1];
            }
        }
        catch (IOException)
        {
            // No /proc here.
        }
        return "this file system";
    }
}

using System.Globalization;

namespace OneCopy.Memory;

/// <summary>/proc/locks (proc(5)): which process took which lock, in the reader's own numbers.</summary>
internal static class ProcessLocks
{
    private static readonly char[] s_blank = [' '];

    /// <summary>Whether this process took an flock(2) on this file. False also where /proc/locks is not shown.</summary>
    /// <remarks>Device numbers are not compared: some file systems show others there than stat(2) does.</remarks>
    public static bool IsHeldBy(ulong inode, int pid)
    {
        foreach (string line in (ProcFile.ReadText("/proc/locks") ?? "").Split('\n'))
        {
            // 1: FLOCK  ADVISORY  WRITE 1234 00:1a:5678 0 EOF
            string[] words = line.Split(s_blank, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 8 && words[1] is "FLOCK"
                && int.TryParse(words[4], CultureInfo.InvariantCulture, out int holder) && holder == pid
                && ulong.TryParse(words[5].AsSpan(words[5].LastIndexOf(':') + 1), CultureInfo.InvariantCulture, out ulong locked) && locked == inode)
                return true;
        }

        return false;
    }
}

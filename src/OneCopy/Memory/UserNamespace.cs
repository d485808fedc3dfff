namespace OneCopy.Memory;

/// <summary>user_namespaces(7), as far as it can be seen in /proc.</summary>
internal static class UserNamespace
{
    /// <summary>
    /// Whether the process lives in another one; null where the kernel does not say (the link needs rights over the process).
    /// </summary>
    public static bool? Differs(int pid)
    {
        string? theirs = TargetOf($"/proc/{pid}/ns/user");
        string? mine = TargetOf("/proc/self/ns/user");
        return theirs is null || mine is null ? null : !string.Equals(theirs, mine, StringComparison.Ordinal);
    }

    /// <summary>
    /// Whether this process lives in the one that the system started with; its inode number is fixed (PROC_USER_INIT_INO).
    /// </summary>
    public static bool IsInitial => TargetOf("/proc/self/ns/user") is "user:[4026531837]";

    private static string? TargetOf(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

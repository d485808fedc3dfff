namespace OneCopy.Memory;

/// <summary>
/// A user's number with the name that /etc/passwd gives it, for a person to read. Other directories (LDAP) are not asked.
/// </summary>
internal static class UserName
{
    public static string Of(uint id) => Find(id) is string name ? $"{id} ({name})" : $"{id}";

    public static string Of(ProcessStatus.Ids ids) => ids.AllAre(ids.Real) ? Of(ids.Real) : ids.ToString();

    private static string? Find(uint id)
    {
        foreach (ReadOnlySpan<char> line in (ProcFile.ReadText("/etc/passwd") ?? "").AsSpan().EnumerateLines())
        {
            int first = line.IndexOf(':');
            if (first <= 0)
                continue;
            ReadOnlySpan<char> rest = line[(first + 1)..];
            rest = rest[(rest.IndexOf(':') + 1)..];
            int end = rest.IndexOf(':');
            if (end > 0 && uint.TryParse(rest[..end], out uint entry) && entry == id)
                return line[..first].ToString();
        }
        return null;
    }
}

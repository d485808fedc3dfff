using System.Globalization;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// Who besides its creator may take part in a queue: the members of one group. The queue's directory is made with mode 2770 and its files with 0660, all of that
/// group, whatever the umask. Between processes of different users payloads go by the arena, never by reading each other's memory.
/// </summary>
public sealed record QueueAccess
{
    private const string SharedRoot = "/dev/shm/onecopy-g";

    private QueueAccess(uint groupId) => GroupId = groupId;

    /// <summary>The group's number.</summary>
    public uint GroupId { get; }

    /// <summary>Where such queues are unless <see cref="QueueOptions.Root"/> says otherwise: <c>/dev/shm/onecopy-gGID</c>, made with mode 2770.</summary>
    public string DefaultRoot => string.Create(CultureInfo.InvariantCulture, $"{SharedRoot}{GroupId}");

    /// <summary>The members of a group, by its number.</summary>
    /// <param name="groupId">Not 4,294,967,295, which is no group.</param>
    public static QueueAccess Group(uint groupId)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(groupId, uint.MaxValue);
        return new QueueAccess(groupId);
    }

    /// <summary>The members of a group, by its name in /etc/group. Groups from other directories (LDAP) are given by their number.</summary>
    /// <param name="name">The group's name.</param>
    /// <exception cref="OneCopyException">There is no such group.</exception>
    public static QueueAccess Group(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        foreach (ReadOnlySpan<char> line in (ProcFile.ReadText("/etc/group") ?? "").AsSpan().EnumerateLines())
        {
            // name:password:number:members
            int first = line.IndexOf(':');
            if (first <= 0 || !line[..first].SequenceEqual(name))
                continue;
            ReadOnlySpan<char> rest = line[(first + 1)..];
            rest = rest[(rest.IndexOf(':') + 1)..];
            int end = rest.IndexOf(':');
            if (end > 0 && uint.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
                return Group(id);
        }

        throw new OneCopyException($"There is no group \"{name}\" in /etc/group. 'getent group' lists those there are; one from another directory is given by its number.");
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"group {GroupId}");

    /// <summary>The group whose default root a path is, or null.</summary>
    internal static uint? GroupOfRoot(string root) =>
        root.StartsWith(SharedRoot, StringComparison.Ordinal)
        && uint.TryParse(root.AsSpan(SharedRoot.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint id) ? id : null;

    /// <summary>The group that a directory (2770) or a file (0660) is shared with by its mode. Null: it is its owner's alone.</summary>
    internal static QueueAccess? Of(in statx status)
    {
        uint needed = (status.stx_mode & Stat.S_IFMT) == Stat.S_IFDIR ? Permissions.S_ISGID | Permissions.S_IRWXG : Permissions.S_IRWXG & ~Permissions.S_IXGRP;
        return (status.stx_mode & needed) == needed && status.stx_gid != uint.MaxValue ? new QueueAccess(status.stx_gid) : null;
    }

    /// <summary>Makes an open file or directory the group's too.</summary>
    internal void Share(Microsoft.Win32.SafeHandles.SafeFileHandle file, string path, bool isDirectory)
    {
        Stat.Of(file.Fd(), out statx s).OrThrow("statx", path);
        if (s.stx_gid != GroupId)
            Permissions.fchown(file.Fd(), Permissions.Unchanged, GroupId).OrThrow("chown", path, $"Only a member of group {GroupId} can share a queue with it ('id -G' says which groups this process has).");
        uint mode = isDirectory ? Permissions.S_ISGID | Permissions.S_IRWXU | Permissions.S_IRWXG : QueueFileMode.Group;
        Permissions.fchmod(file.Fd(), mode).OrThrow("chmod", path);
    }
}

/// <summary>The modes of a queue's files.</summary>
internal static class QueueFileMode
{
    public const uint Owner = 0x180; // 0600
    public const uint Group = 0x1B0; // 0660
}

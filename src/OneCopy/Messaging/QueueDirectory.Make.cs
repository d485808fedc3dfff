using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Making the directories, for one user or for a group, and refusing those of strangers.</summary>
internal sealed partial class QueueDirectory
{
    /// <summary>Makes what is missing of root and queue directory, and refuses a default root that belongs to somebody else.</summary>
    public void Create()
    {
        QueueAccess? access = Access ?? AccessOfSibling();
        MakeDirectory(Root, access);
        RefuseForeignRoot();
        if (access is not null)
            RefuseClosedRoot(access);
        MakeDirectory(Path, access);
        if (access is null || access == AccessAsMade())
            return;

        // There was one, without a ring: its creator did not come to its end. If it is ours it becomes what is asked for now.
        using SafeFileHandle left = SafeFd.Open(Path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);
        access.Share(left, Path, isDirectory: true);
    }

    /// <summary>Whom the directory as it is is shared with: that goes for the files in it, whatever this process asked for.</summary>
    public QueueAccess? AccessAsMade() => Stat.Of(Path, out statx s, followLinks: false).Succeeded ? QueueAccess.Of(s) : null;

    /// <summary>Dead letters belong to those whose queue it is, also if somebody makes their queue by its own name.</summary>
    private QueueAccess? AccessOfSibling() =>
        Name.EndsWith(DeadLetterSuffix, StringComparison.Ordinal) && Name.Length > DeadLetterSuffix.Length
            ? new QueueDirectory(Root, Name[..^DeadLetterSuffix.Length], null).AccessAsMade()
            : null;

    private static void MakeDirectory(string path, QueueAccess? access)
    {
        if (access is not null && Stat.Of(path, out _, followLinks: false).Succeeded)
            return;
        SysResult made = MakeOne(path, access);
        if (made.Succeeded || made.Errno == Errno.EEXIST)
            return;
        if (made.Errno == Errno.ENOENT && System.IO.Path.GetDirectoryName(path) is { Length: > 1 } parent)
        {
            MakeDirectory(parent, access);
            made = MakeOne(path, access);
        }

        if (!made.Succeeded && made.Errno != Errno.EEXIST)
            made.OrThrow("mkdir", path);
    }

    /// <summary>
    /// For a group: under another name until it is the group's, so that nobody of the group meets it before. Killed in between, an empty
    /// directory is left that begins with <see cref="UnfinishedPrefix"/>.
    /// </summary>
    private static SysResult MakeOne(string path, QueueAccess? access)
    {
        if (access is null)
            return Fcntl.mkdir(path, Permissions.S_IRWXU);
        string unfinished = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, UnfinishedPrefix + Guid.NewGuid().ToString("N"));
        SysResult made = Fcntl.mkdir(unfinished, Permissions.S_IRWXU);
        if (!made.Succeeded)
            return made;
        try
        {
            SysResult opened = Fcntl.open(unfinished, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);
            if (!opened.Succeeded)
                return opened; // ENOENT: taken for a leftover in between; it is made anew.
            using (SafeFileHandle directory = SafeFd.Of(opened))
                access.Share(directory, unfinished, isDirectory: true);
            made = Permissions.renameat2(unfinished, path, Permissions.RENAME_NOREPLACE);
        }
        finally
        {
            // It has its name by now, or is not wanted.
            Fcntl.rmdir(unfinished);
        }

        return made;
    }

    /// <summary>Removes what killed makers left in the root. A living one begins again when it finds its directory gone.</summary>
    public void RemoveUnfinished()
    {
        RefuseForeignRoot();
        if (!Directory.Exists(Root))
            return;
        foreach (string path in Directory.EnumerateDirectories(Root, UnfinishedPrefix + "*"))
            Fcntl.rmdir(path);
    }

    /// <summary>How directories begin that are not ready yet.</summary>
    public const string UnfinishedPrefix = ".t-";

    /// <summary>/dev/shm is writable for all: somebody else may have made a default root, or a link of its name, before us.</summary>
    public void RefuseForeignRoot()
    {
        bool isOwn = string.Equals(Root, DefaultRoot, StringComparison.Ordinal);
        uint? group = QueueAccess.GroupOfRoot(Root);
        if (!isOwn && group is null)
            return;
        SysResult looked = Stat.Of(Root, out statx s, followLinks: false);
        if (looked.Errno == Errno.ENOENT)
            return;
        looked.OrThrow("statx", Root);

        // Only its members and root can give a directory to a group; and /dev/shm is sticky, so that it stays what was looked at.
        bool isDirectory = (s.stx_mode & Stat.S_IFMT) == Stat.S_IFDIR;
        bool good = isOwn
            ? s.stx_uid == Prctl.geteuid() && (s.stx_mode & (Permissions.S_IRWXG | Permissions.S_IRWXO)) == 0
            : s.stx_gid == group && (s.stx_mode & Permissions.S_IRWXO) == 0;
        if (!isDirectory || !good)
        {
            throw new OneCopyException(
                $"{Root} is not a directory of {(isOwn ? "this user" : $"group {group}")} alone (uid {s.stx_uid}, gid {s.stx_gid}, mode {Convert.ToString(s.stx_mode & 0xFFF, 8)}): " +
                $"somebody else may have made it. Remove it, or name another directory (QueueOptions.Root, {RootVariable}).");
        }
    }

    private void RefuseClosedRoot(QueueAccess access)
    {
        Stat.Of(Root, out statx s).OrThrow("statx", Root);
        if ((s.stx_mode & Permissions.S_IXOTH) == 0 && !(s.stx_gid == access.GroupId && (s.stx_mode & Permissions.S_IXGRP) != 0))
        {
            throw new OneCopyException(
                $"{Root} does not let {access} in (gid {s.stx_gid}, mode {Convert.ToString(s.stx_mode & 0xFFF, 8)}), so that a queue in it cannot be the group's. " +
                $"Give the directory to the group (chgrp, chmod 2770), or leave QueueOptions.Root and {RootVariable} out ({access.DefaultRoot}).");
        }
    }
}

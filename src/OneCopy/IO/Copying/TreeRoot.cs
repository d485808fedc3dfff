using OneCopy.Interop;

namespace OneCopy;

/// <summary>The two directories that a tree's copy begins with.</summary>
internal static unsafe class TreeRoot
{
    public static TreeNode Open(string source, string destination, FileCopyOptions options, TreeCopy copy)
    {
        TreeNode root = new(null, []) { SourceText = source, DestinationText = destination };
        try
        {
            using NativePath from = new(source);
            using NativePath to = new(destination);
            int links = options.Links == SymbolicLinks.Keep ? OpenFlags.O_NOFOLLOW : 0;
            SysResult r = At.openat(Fcntl.AT_FDCWD, from.Bytes, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | links);
            root.Source = (int)r.OrThrow("open", source, r.Errno == Errno.ENOTDIR ? "It is no directory: copy it with Copy." : null);
            Stat.Of(root.Source, out root.Status).OrThrow("statx", source);
            RefuseWithin(root, destination);

            r = At.mkdirat(Fcntl.AT_FDCWD, to.Bytes, Permissions.S_IRWXU);
            if (!r.Succeeded && r.Errno != Errno.EEXIST)
                throw new OneCopyException("mkdir", r.Errno, destination, r.Errno == Errno.ENOENT ? "The destination's directory is not there." : null);
            root.IsNew = r.Succeeded;
            r = At.openat(Fcntl.AT_FDCWD, to.Bytes, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
            root.Destination = (int)r.OrThrow("open", destination, r.Errno == Errno.ENOTDIR ? "A tree is copied to a directory, and this is none." : null);
            copy.LookAtDestination(root);
            return root;
        }
        catch
        {
            TreeCopy.CloseBoth(root);
            throw;
        }
    }

    /// <summary>A copy within its own source would be copied again, and again. Looked for from the destination upwards, by what the directories are, not by their names.</summary>
    private static void RefuseWithin(TreeNode root, string destination)
    {
        string start = destination;
        SysResult r = Fcntl.open(start, OpenFlags.O_DIRECTORY | FileKind.O_PATH);
        if (r.Errno == Errno.ENOENT)
        {
            start = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(destination)) is { Length: > 0 } parent ? parent : ".";
            r = Fcntl.open(start, OpenFlags.O_DIRECTORY | FileKind.O_PATH);
        }
        if (!r.Succeeded)
            return; // The steps that follow meet the same error, and name it.
        int at = (int)r.Value;
        try
        {
            fixed (byte* up = "..\0"u8)
            {
                (ulong Inode, uint Major, uint Minor) last = default;
                while (Stat.Of(at, out statx status).Succeeded && last != (status.stx_ino, status.stx_dev_major, status.stx_dev_minor))
                {
                    if (root.IsSame(status))
                        throw new OneCopyException("copy", Errno.EINVAL, $"{root.SourceText} and {destination}", "The destination is the source, or lies in it.");
                    last = (status.stx_ino, status.stx_dev_major, status.stx_dev_minor);
                    r = At.openat(at, up, OpenFlags.O_DIRECTORY | FileKind.O_PATH);
                    if (!r.Succeeded)
                        return;
                    Descriptor.close(at);
                    at = (int)r.Value;
                }
            }
        }
        finally
        {
            Descriptor.close(at);
        }
    }
}

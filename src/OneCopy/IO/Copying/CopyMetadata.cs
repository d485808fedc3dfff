using System.Runtime.InteropServices;
using System.Text;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>Owner, attributes, mode and times of an open file, in the order in which none of them undoes another.</summary>
internal sealed unsafe class CopyMetadata(FileCopyOptions options, CopyIdentity self)
{
    private const uint PermissionBits = 0x1FF;
    private const uint AllBits = 0xFFF;
    private const int ListRoom = 4096;
    private const int MostBytes = 1 << 16; // XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel.

    private byte[]? _list;
    private byte[]? _value;

    public List<MetadataLoss> Losses { get; } = [];

    /// <summary>Attributes are the source's to read; the destination is open, and this process's own where <paramref name="isNew"/>.</summary>
    /// <param name="source">Its descriptor.</param>
    /// <param name="destination">Its descriptor.</param>
    /// <param name="status">The source's.</param>
    /// <param name="isNew">Made by this copy, with mode 0600 (of a directory 0700).</param>
    /// <param name="plainDirectory">A new file has this process's group and no access control list.</param>
    /// <param name="existingMode">The mode of a file that is not new, as it was.</param>
    public void Keep(int source, int destination, in statx status, bool isNew, bool plainDirectory, uint existingMode)
    {
        bool sameOwner = isNew && plainDirectory && status.stx_uid == self.User && status.stx_gid == self.Group;
        if (options.Preserve.HasFlag(FileMetadata.Owner) && !sameOwner)
            KeepOwner(destination, status);
        bool attributes = options.Preserve.HasFlag(FileMetadata.ExtendedAttributes);
        bool mode = options.Preserve.HasFlag(FileMetadata.Mode);
        bool hasList = KeepAttributes(source, destination, attributes, mode);
        if (mode && !hasList && !(isNew && plainDirectory))
            DropAccessList(destination);
        SetMode(destination, status, isNew, existingMode);
        if (options.Preserve.HasFlag(FileMetadata.Times))
            Note(Times.futimens(destination, status.stx_atime, status.stx_mtime), FileMetadata.Times, "times", "futimens");
    }

    /// <summary>Of a symbolic link or a named pipe, neither of which is opened. Links have no mode, and no attributes that users set.</summary>
    public void KeepOfName(in CopyPath path, in statx status)
    {
        if (options.Preserve.HasFlag(FileMetadata.Owner))
            Note(At.lchownat(path.Directory, path.Name, status.stx_uid, status.stx_gid), FileMetadata.Owner, "owner", "fchownat");
        if ((status.stx_mode & Stat.S_IFMT) != FileKind.S_IFLNK)
        {
            uint mode = options.Preserve.HasFlag(FileMetadata.Mode) ? status.stx_mode & PermissionBits : status.stx_mode & PermissionBits & ~self.Umask;
            Note(At.fchmodat(path.Directory, path.Name, mode), FileMetadata.Mode, "mode", "fchmodat");
        }
        if (options.Preserve.HasFlag(FileMetadata.Times))
            Note(Times.lutimens(path.Directory, path.Name, status.stx_atime, status.stx_mtime), FileMetadata.Times, "times", "utimensat");
    }

    /// <summary>Whoever may not give files away may at least keep the group, if it is one of his.</summary>
    private void KeepOwner(int destination, in statx status)
    {
        SysResult r = Permissions.fchown(destination, status.stx_uid, status.stx_gid);
        if (r.Succeeded)
            return;
        Losses.Add(new MetadataLoss(FileMetadata.Owner, "owner", $"fchown: {Errno.NameOf(r.Errno)}"));
        if (r.Errno == Errno.EPERM)
            Permissions.fchown(destination, Permissions.Unchanged, status.stx_gid);
    }

    private void SetMode(int destination, in statx status, bool isNew, uint existingMode)
    {
        uint mode = status.stx_mode & AllBits;
        if (!options.Preserve.HasFlag(FileMetadata.Mode))
        {
            // A file that was there keeps its own; a new one is made as any program makes it.
            if (isNew)
                Note(Permissions.fchmod(destination, mode & PermissionBits & ~self.Umask), FileMetadata.Mode, "mode", "fchmod");
            return;
        }

        // These two act for the file's owner and group: they stay with these alone. chown(2) has cleared them, and so has writing.
        if ((mode & (FileKind.S_ISUID | Permissions.S_ISGID)) != 0)
        {
            if (!Stat.Of(destination, out statx made).Succeeded)
                mode &= ~(FileKind.S_ISUID | Permissions.S_ISGID);
            if ((mode & FileKind.S_ISUID) != 0 && made.stx_uid != status.stx_uid)
            {
                mode &= ~FileKind.S_ISUID;
                Losses.Add(new MetadataLoss(FileMetadata.Mode, "setuid", "The copy has another owner."));
            }
            if ((mode & Permissions.S_ISGID) != 0 && made.stx_gid != status.stx_gid && (status.stx_mode & Stat.S_IFMT) != Stat.S_IFDIR)
            {
                mode &= ~Permissions.S_ISGID;
                Losses.Add(new MetadataLoss(FileMetadata.Mode, "setgid", "The copy has another group."));
            }
        }
        SysResult r = Permissions.fchmod(destination, mode);
        Note(r, FileMetadata.Mode, "mode", "fchmod");
        if (!r.Succeeded)
            _ = Permissions.fchmod(destination, existingMode & AllBits);
    }

    /// <summary>Returns whether the source has an access control list, as far as that is known without another call.</summary>
    private bool KeepAttributes(int source, int destination, bool attributes, bool mode)
    {
        if (!attributes && !mode)
            return false;
        byte* room = stackalloc byte[ListRoom];
        SysResult r = Xattr.flistxattr(source, room, ListRoom);
        if (r.Succeeded && r.Value == 0)
            return false;
        if (r.Errno is Errno.EOPNOTSUPP or Errno.ENOSYS)
            return false;
        if (r.Errno == Errno.ERANGE)
        {
            _list ??= GC.AllocateUninitializedArray<byte>(MostBytes, pinned: true);
            room = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_list, 0);
            r = Xattr.flistxattr(source, room, MostBytes);
        }
        if (!r.Succeeded)
        {
            Note(r, FileMetadata.ExtendedAttributes, "all", "flistxattr");
            return false;
        }

        bool hasList = false;
        for (byte* name = room; name < room + r.Value;)
        {
            ReadOnlySpan<byte> text = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
            bool isList = text.StartsWith("system.posix_acl_"u8);
            hasList |= text.SequenceEqual("system.posix_acl_access"u8);
            if (isList ? mode : attributes)
                KeepAttribute(source, destination, name, isList ? FileMetadata.Mode : FileMetadata.ExtendedAttributes);
            name += text.Length + 1;
        }
        return hasList;
    }

    private void KeepAttribute(int source, int destination, byte* name, FileMetadata kind)
    {
        _value ??= GC.AllocateUninitializedArray<byte>(MostBytes, pinned: true);
        byte* value = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_value, 0);
        SysResult r = Xattr.fgetxattr(source, name, value, MostBytes);

        // ENODATA: removed since it was listed.
        if (r.Errno == Errno.ENODATA)
            return;
        string call = "fgetxattr";
        if (r.Succeeded)
        {
            call = "fsetxattr";
            r = Xattr.fsetxattr(destination, name, value, (int)r.Value);
        }
        if (!r.Succeeded)
            Note(r, kind, Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)), call);
    }

    /// <summary>A list that the directory gave the new file, or that the old file had, is not the source's.</summary>
    private static void DropAccessList(int destination)
    {
        fixed (byte* name = "system.posix_acl_access\0"u8)
            _ = Xattr.fremovexattr(destination, name);
    }

    private void Note(SysResult r, FileMetadata kind, string name, string call)
    {
        if (!r.Succeeded)
            Losses.Add(new MetadataLoss(kind, name, $"{call}: {Errno.NameOf(r.Errno)}"));
    }
}

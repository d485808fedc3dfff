using System.Security.Cryptography;
using System.Text;
using OneCopy.Interop;

namespace OneCopy;

/// <content>Atomic replacement: a file without a name, or with a hidden one, that gets the destination's name when it is ready.</content>
internal sealed unsafe partial class CopyWorker
{
    private NativePath? _temporary;
    private bool _replaces;

    /// <summary>EEXIST: the name is taken, and is not to be replaced.</summary>
    private SysResult OpenAtomic()
    {
        SysResult r = At.statx(_to.Directory, _to.Name, out statx there, followLinks: true);
        _replaces = r.Succeeded;
        if (r.Errno == Errno.ENOENT && IsLink(_to))
            throw Failure("open", Errno.ENOENT, _to, "It is a symbolic link that leads to nothing: nothing is made where it points.");
        if (_replaces)
        {
            if (options.Existing != ExistingFile.Replace)
                return SysResult.Failed(Errno.EEXIST);
            RefuseDestination(there);
        }
        else if (r.Errno != Errno.ENOENT)
        {
            return r;
        }

        // A file without a name is gone when this process is killed. Not every file system has them: EOPNOTSUPP, or from old kernels EISDIR or ENOENT.
        ReadOnlySpan<byte> here = "."u8;
        fixed (byte* dot = here)
            r = At.openat(_to.Directory, dot, OpenFlags.O_RDWR | FileKind.O_TMPFILE, OwnerOnly);
        if (r.Errno is not (Errno.EOPNOTSUPP or Errno.EISDIR or Errno.ENOENT or Errno.EINVAL))
            return r;
        _temporary = NewTemporaryName();
        r = At.openat(_to.Directory, _temporary.Bytes, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL, OwnerOnly);
        if (!r.Succeeded)
            ForgetTemporary();

        // 64 random bits that are taken are another's attempt: this one draws again.
        return r.Errno == Errno.EEXIST ? SysResult.Failed(Errno.EINTR) : r;
    }

    private static NativePath NewTemporaryName() => new($".onecopy-{RandomNumberGenerator.GetHexString(16, lowercase: true)}");

    private bool GiveName()
    {
        if (_temporary is null)
        {
            using NativePath descriptor = new($"/proc/self/fd/{_destination}");
            if (!_replaces)
            {
                SysResult linked = At.linkat(Fcntl.AT_FDCWD, descriptor.Bytes, _to.Directory, _to.Name, At.AT_SYMLINK_FOLLOW);
                if (linked.Succeeded)
                {
                    _isNamed = true;
                    CloseDestination();
                    return true;
                }
                if (linked.Errno != Errno.EEXIST)
                    throw Failure("linkat", linked.Errno, _to);
                if (options.Existing != ExistingFile.Replace)
                    return NameIsTaken();
            }
            _temporary = NewTemporaryName();
            SysResult r = At.linkat(Fcntl.AT_FDCWD, descriptor.Bytes, _to.Directory, _temporary.Bytes, At.AT_SYMLINK_FOLLOW);
            if (!r.Succeeded)
            {
                ForgetTemporary();
                throw Failure("linkat", r.Errno, _to);
            }
        }

        CloseDestination();
        SysResult renamed = options.Existing == ExistingFile.Replace
            ? At.renameat2(_to.Directory, _temporary.Bytes, _to.Directory, _to.Name)
            : RenameToFree();
        if (renamed.Succeeded)
        {
            ForgetTemporary();
            return true;
        }
        RemoveTemporary();
        return renamed.Errno == Errno.EEXIST ? NameIsTaken() : throw Failure("rename", renamed.Errno, _to);
    }

    /// <summary>Not every file system can rename only where the name is free (EINVAL); every one that has links can link.</summary>
    private SysResult RenameToFree()
    {
        SysResult r = At.renameat2(_to.Directory, _temporary!.Bytes, _to.Directory, _to.Name, Permissions.RENAME_NOREPLACE);
        if (r.Errno != Errno.EINVAL)
            return r;
        r = At.linkat(_to.Directory, _temporary.Bytes, _to.Directory, _to.Name);
        if (r.Succeeded)
            At.unlinkat(_to.Directory, _temporary.Bytes);
        return r;
    }

    private bool NameIsTaken()
    {
        if (options.Existing == ExistingFile.Fail)
            throw Failure("open", Errno.EEXIST, _to, "It was made while the copy was, and was not to be replaced.");
        Abandon();
        return false;
    }

    private void RemoveTemporary()
    {
        if (_temporary is null)
            return;
        At.unlinkat(_to.Directory, _temporary.Bytes);
        ForgetTemporary();
    }

    private void ForgetTemporary()
    {
        _temporary?.Dispose();
        _temporary = null;
    }
}

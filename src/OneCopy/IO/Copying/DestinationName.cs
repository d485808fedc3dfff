using System.Text;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>A destination's directory, held open, and its name in it: what is made, linked, renamed and removed there is all in the same directory.</summary>
internal sealed unsafe class DestinationName : IDisposable
{
    private readonly NativePath _name;
    private readonly int _directory;
    private readonly string? _folder;

    private DestinationName(string directory, string name, string? folder)
    {
        _folder = folder;
        using NativePath path = new(directory);
        SysResult r = At.openat(Fcntl.AT_FDCWD, path.Bytes, FileKind.O_PATH | OpenFlags.O_DIRECTORY);
        if (!r.Succeeded)
            throw new OneCopyException("open", r.Errno, directory, r.Errno == Errno.ENOENT ? "The destination's directory is not there." : null);
        _directory = (int)r.Value;
        _name = new NativePath(name);
    }

    public CopyPath Path => new(_directory, _name.Bytes, _folder);

    /// <param name="path">As the user gave it.</param>
    /// <param name="followLink">Where the name is a symbolic link, take the file that it leads to: a rename would put the copy in the place of the link.</param>
    public static DestinationName Of(string path, bool followLink)
    {
        if (followLink && ResolveLink(path) is string target)
            path = target;
        int slash = path.LastIndexOf('/');
        if (slash == path.Length - 1)
            throw new OneCopyException("open", Errno.EISDIR, path, "The destination is named as a directory: give the copy's own name.");
        return slash < 0 ? new DestinationName(".", path, null) : new DestinationName(slash == 0 ? "/" : path[..slash], path[(slash + 1)..], path[..(slash + 1)]);
    }

    public void Dispose()
    {
        Descriptor.close(_directory);
        _name.Dispose();
    }

    /// <summary>The kernel's own answer, for it follows links as open(2) would. Null: it is no link, or leads to nothing.</summary>
    private static string? ResolveLink(string path)
    {
        if (!Stat.Of(path, out statx status, followLinks: false).Succeeded || (status.stx_mode & Stat.S_IFMT) != FileKind.S_IFLNK)
            return null;
        SysResult r = Fcntl.open(path, FileKind.O_PATH);
        if (!r.Succeeded)
            return null;
        try
        {
            byte* text = stackalloc byte[4096];
            using NativePath self = new($"/proc/self/fd/{r.Value}");
            SysResult length = At.readlinkat(Fcntl.AT_FDCWD, self.Bytes, text, 4096);
            return length.Succeeded && length.Value < 4096 ? Encoding.UTF8.GetString(text, (int)length.Value) : null;
        }
        finally
        {
            Descriptor.close((int)r.Value);
        }
    }
}

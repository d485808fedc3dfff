using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Files;

/// <summary>A name that must not be written to. Nothing is wrong here: something is wrong with the message.</summary>
internal sealed class RefusedNameException(string reason) : IOException(reason);

/// <summary>
/// The directory that files are received in. A name from a message leads to nowhere outside it: each directory on the way is opened
/// from the one above, without following links, and what was opened is what is written to, whatever is renamed meanwhile.
/// </summary>
internal sealed class Destination : IDisposable
{
    private const uint AllMayUse = 0x1FF; // 0777, less the umask

    private readonly SafeFileHandle _root;

    public Destination(string path)
    {
        Directory.CreateDirectory(path);
        _root = Handle(Fcntl.open(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY), path);
    }

    /// <summary>The directory for a name, made if it is not there, and the name's last part.</summary>
    /// <exception cref="RefusedNameException">The name would lead out of the directory, or cannot be.</exception>
    public (SafeFileHandle Directory, string File) Enter(string name)
    {
        string[] parts = name.Split('/');
        Refuse(name.Length == 0, "it is empty");
        Refuse(name[0] == '/', "it is absolute");
        Refuse(parts.Contains("..", StringComparer.Ordinal), "it has '..' in it");
        Refuse(parts.Any(p => p is "" or "."), "it has an empty part or '.' in it");
        Refuse(name.Contains('\0', StringComparison.Ordinal), "it has a NUL in it");
        SafeFileHandle directory = Below(_root, null);
        foreach (string part in parts[..^1])
        {
            using SafeFileHandle above = directory;
            directory = Below(above, part);
        }

        return (directory, parts[^1]);
    }

    public void Dispose() => _root.Dispose();

    /// <summary>A path to a file in an opened directory, which no rename can lead elsewhere (proc_pid_fd(5)).</summary>
    public static string PathIn(SafeFileHandle directory, string file) => $"/proc/self/fd/{directory.DangerousGetHandle()}/{file}";

    private static SafeFileHandle Below(SafeFileHandle above, string? part)
    {
        int at = (int)above.DangerousGetHandle();
        if (part is null)
            return Handle(Fcntl.openat(at, ".", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY), ".");
        SysResult made = Fcntl.mkdirat(at, part, AllMayUse);
        if (!made.Succeeded && made.Errno != Errno.EEXIST)
            Refuse(made.Errno is Errno.ENAMETOOLONG, "a part of it is too long");
        SysResult opened = Fcntl.openat(at, part, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);

        // O_DIRECTORY with O_NOFOLLOW says ENOTDIR for a link, ELOOP without the former (open(2)).
        Refuse(opened.Errno is Errno.ELOOP or Errno.ENOTDIR, $"'{part}' on its way is a symbolic link or no directory");
        if (!made.Succeeded && made.Errno != Errno.EEXIST)
            made.OrThrow("mkdirat", part);
        return Handle(opened, part);
    }

    private static void Refuse(bool bad, string why)
    {
        if (bad)
            throw new RefusedNameException(why);
    }

    private static SafeFileHandle Handle(SysResult opened, string path) => new(opened.OrThrow("openat", path), ownsHandle: true);
}

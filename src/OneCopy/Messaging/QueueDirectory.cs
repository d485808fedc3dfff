using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Where a queue is: its root, its name, the paths of its files.</summary>
internal sealed class QueueDirectory
{
    private const string RootVariable = "ONECOPY_ROOT";
    private const uint OwnerOnly = 0x1C0; // 0700
    private const int MaxNameLength = 200;
    public const string DeadLetterSuffix = ".dead";

    private QueueDirectory(string root, string name)
    {
        Root = root;
        Name = name;
        Path = System.IO.Path.Combine(root, name);
        RingPath = System.IO.Path.Combine(Path, "ring");
    }

    private static string DefaultRoot => $"/dev/shm/onecopy-{Prctl.geteuid()}";

    public string Root { get; }

    public string Name { get; }

    public string Path { get; }

    public string RingPath { get; }

    public static QueueDirectory Of(string name, QueueOptions options)
    {
        ValidateName(name);
        return new QueueDirectory(RootOf(options.Root), name);
    }

    /// <summary>The queue that this one's dead letters go to; its name may be longer than another's, by the suffix.</summary>
    public QueueDirectory DeadLetters => new(Root, Name + DeadLetterSuffix);

    /// <summary>The directory that queues live in; it need not exist.</summary>
    public static string RootOf(string? root)
    {
        root ??= Environment.GetEnvironmentVariable(RootVariable);
        return string.IsNullOrEmpty(root) ? DefaultRoot : System.IO.Path.GetFullPath(root);
    }

    public string ParticipantPath(int index, long incarnation) => System.IO.Path.Combine(Path, $"p{index}-{incarnation}");

    public string TemporaryPath() => System.IO.Path.Combine(Path, "t-" + Guid.NewGuid().ToString("N"));

    /// <summary>Makes what is missing of root and queue directory, and refuses a default root that belongs to somebody else.</summary>
    public void Create()
    {
        MakeDirectory(Root);
        RefuseForeignRoot();
        MakeDirectory(Path);
    }

    private static void MakeDirectory(string path)
    {
        SysResult made = Fcntl.mkdir(path, OwnerOnly);
        if (made.Succeeded || made.Errno == Errno.EEXIST)
            return;
        if (made.Errno == Errno.ENOENT && System.IO.Path.GetDirectoryName(path) is { Length: > 1 } parent)
        {
            MakeDirectory(parent);
            made = Fcntl.mkdir(path, OwnerOnly);
        }

        if (!made.Succeeded && made.Errno != Errno.EEXIST)
            made.OrThrow("mkdir", path);
    }

    /// <summary>/dev/shm is writable for all: somebody else may have made the default root, or a link of its name, before us.</summary>
    public void RefuseForeignRoot()
    {
        if (!string.Equals(Root, DefaultRoot, StringComparison.Ordinal))
            return;
        SysResult looked = Stat.Of(Root, out statx s, followLinks: false);
        if (looked.Errno == Errno.ENOENT)
            return;
        looked.OrThrow("statx", Root);
        bool isDirectory = (s.stx_mode & Stat.S_IFMT) == Stat.S_IFDIR;
        if (!isDirectory || s.stx_uid != Prctl.geteuid() || (s.stx_mode & 0x3F) != 0)
        {
            throw new OneCopyException(
                $"{Root} is not a directory of this user alone (uid {s.stx_uid}, mode {Convert.ToString(s.stx_mode & 0xFFF, 8)}): " +
                $"somebody else may have made it. Remove it, or name another directory (QueueOptions.Root, {RootVariable}).");
        }
    }

    private static void ValidateName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        int max = name.EndsWith(DeadLetterSuffix, StringComparison.Ordinal) ? MaxNameLength + DeadLetterSuffix.Length : MaxNameLength;
        bool good = name.Length <= max && name[0] != '.'
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
        if (!good)
        {
            throw new ArgumentException(
                $"\"{name}\" is no name for a queue: 1 to {MaxNameLength} letters, digits, '.', '-' and '_' of ASCII, not beginning with '.'.",
                nameof(name));
        }
    }
}

using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Where a queue is: its root, its name, the paths of its files.</summary>
internal sealed partial class QueueDirectory
{
    private const string RootVariable = "ONECOPY_ROOT";
    private const int MaxNameLength = 200;
    public const string DeadLetterSuffix = ".dead";

    private QueueDirectory(string root, string name, QueueAccess? access)
    {
        Root = root;
        Name = name;
        Access = access;
        Path = System.IO.Path.Combine(root, name);
        RingPath = System.IO.Path.Combine(Path, "ring");
    }

    private static string DefaultRoot => $"/dev/shm/onecopy-{Prctl.geteuid()}";

    public string Root { get; }

    /// <summary>Whom its creator shares it with. Null: nobody.</summary>
    public QueueAccess? Access { get; }

    public string Name { get; }

    public string Path { get; }

    public string RingPath { get; }

    public static QueueDirectory Of(string name, QueueOptions options)
    {
        ValidateName(name);
        string root = RootOf(options.Root, options.Access);
        return options.Access is null || !string.Equals(root, DefaultRoot, StringComparison.Ordinal)
            ? new QueueDirectory(root, name, options.Access)
            : throw new OneCopyException(
                $"{root} is this user's alone, so that {options.Access} cannot use a queue in it. Leave QueueOptions.Root and {RootVariable} out ({options.Access.DefaultRoot}), " +
                "or name a directory that the group may enter.");
    }

    /// <summary>The queue that this one's dead letters go to; its name may be longer than another's, by the suffix.</summary>
    public QueueDirectory DeadLetters => new(Root, Name + DeadLetterSuffix, Access);

    /// <summary>The same, to be shared with others than its options said.</summary>
    public QueueDirectory SharedWith(QueueAccess? access) => new(Root, Name, access);

    /// <summary>The directory that queues live in; it need not exist.</summary>
    public static string RootOf(string? root, QueueAccess? access = null)
    {
        root ??= Environment.GetEnvironmentVariable(RootVariable);
        return string.IsNullOrEmpty(root) ? access?.DefaultRoot ?? DefaultRoot : System.IO.Path.GetFullPath(root);
    }

    public string ParticipantPath(int index, long incarnation) => System.IO.Path.Combine(Path, $"p{index}-{incarnation}");

    public string TemporaryPath() => System.IO.Path.Combine(Path, "t-" + Guid.NewGuid().ToString("N"));

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

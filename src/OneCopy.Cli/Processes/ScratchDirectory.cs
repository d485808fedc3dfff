namespace OneCopy.Cli.Processes;

/// <summary>
/// A directory in shared memory for everything that one run makes, removed with all its content. What a run that was killed could not remove
/// is removed by the next one: nobody holds its lock any more.
/// </summary>
internal sealed class ScratchDirectory : IDisposable
{
    public const string LockName = "lock";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream _lock;

    /// <summary>Makes it in /dev/shm, or where ONECOPY_ROOT says.</summary>
    /// <param name="prefix">How the names of such directories begin; they go on with the process's number.</param>
    public ScratchDirectory(string prefix)
        : this(prefix, MakeUsualParent())
    {
    }

    /// <summary>Makes it in a directory that is there.</summary>
    public ScratchDirectory(string prefix, string parent)
    {
        Sweep(parent, prefix);
        Path = System.IO.Path.Combine(parent, $"{prefix}{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}");
        Directory.CreateDirectory(Path, OwnerOnly);
        _lock = Lock(Path, FileMode.CreateNew);
    }

    public string Path { get; }

    /// <summary>Leaves it where it is, for somebody to look at; the next run would remove it, so it gets another name, which is returned.</summary>
    public string Keep()
    {
        string kept = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "kept-" + System.IO.Path.GetFileName(Path));
        Directory.CreateDirectory(kept, OwnerOnly);
        foreach (string file in Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories))
        {
            string to = System.IO.Path.Combine(kept, System.IO.Path.GetRelativePath(Path, file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(to)!, OwnerOnly);
            if (!file.EndsWith(LockName, StringComparison.Ordinal))
                File.Copy(file, to);
        }

        return kept;
    }

    public void Dispose()
    {
        _lock.Dispose();
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }

    private static string MakeUsualParent()
    {
        string parent = Environment.GetEnvironmentVariable("ONECOPY_ROOT") is { Length: > 0 } root ? System.IO.Path.GetFullPath(root) : "/dev/shm";
        Directory.CreateDirectory(parent, OwnerOnly);
        return parent;
    }

    private static void Sweep(string parent, string prefix)
    {
        foreach (string left in Directory.EnumerateDirectories(parent, prefix + "*"))
        {
            try
            {
                using FileStream free = Lock(left, FileMode.Open);
                Directory.Delete(left, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // One that runs, or that is just being made, or somebody else's.
            }
        }
    }

    /// <summary>.NET locks a file that is shared with nobody, with flock(2); the lock goes with the process.</summary>
    private static FileStream Lock(string directory, FileMode mode) =>
        new(System.IO.Path.Combine(directory, LockName), mode, FileAccess.ReadWrite, FileShare.None);
}

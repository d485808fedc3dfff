using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Copy;

/// <summary>An option of <c>cp</c>: one table for both readers of the command line.</summary>
/// <param name="name">As it is written.</param>
/// <param name="valueName">What its value is called in the help; null: it has none.</param>
/// <param name="description">For the help; null: not there.</param>
/// <param name="apply">Puts a value into the settings; says what is wrong with it, or null.</param>
internal sealed class CopyOption(string name, string? valueName, string? description, Func<CopySettings, string, string?> apply)
{
    private const int MostThreads = 1024;

    public static readonly CopyOption[] All =
    [
        Words("--engine", "How the bytes move.", CopyWords.Engines, static (s, v) => s.Options = s.Options with { Engine = (CopyEngine)v }),
        Size("--window", "Bytes that the engine 'mapped' has mapped at a time. [default: 4MiB]", static (s, v) => s.Options = s.Options with { WindowLength = v }),
        Size("--buffer", "Bytes of each buffer of the engines 'read-write' and 'vectored'. [default: 256KiB]", static (s, v) => s.Options = s.Options with { BufferLength = v }),
        Words("--sparse", "Holes: those of the source, wherever there are zeros, or none.", CopyWords.SparseModes, static (s, v) => s.Options = s.Options with { Sparse = (SparseMode)v }),
        new("--no-preserve", "LIST", "What is not kept beside the bytes: mode, times, owner, xattr, or all, with commas.", NoPreserve),
        Flag("--atomic", "A destination gets its new content at once, or keeps its old one.", static s => s.Options = s.Options with { Atomic = true }),
        Words("--sync", "What is on storage when it ends.", CopyWords.Durabilities, static (s, v) => s.Options = s.Options with { Durability = (CopyDurability)v }),
        Flag("--verify", "Compare each copy with its source, byte by byte.", static s => s.Options = s.Options with { Verify = true }),
        Words("--existing", "What becomes of files that are there.", CopyWords.Existing, static (s, v) => s.Options = s.Options with { Existing = (ExistingFile)v }),
        new("--parallel", "N", "How many files of a tree are copied at a time. [default: one for each processor]", Parallel),
        Flag("--dont-cache", "Leave neither file in the page cache: for copies larger than memory.", static s => s.Options = s.Options with { DontCache = true }),
        Flag("--follow", "Copy what symbolic links lead to. [default: links are copied as links]", static s => s.Options = s.Options with { Links = SymbolicLinks.Follow }),
        Flag("--dry-run", "Write nothing: say what would be tried, piece by piece, and why.", static s => s.DryRun = true),
        Flag("--json", "Write JSON, for programs to read.", static s => s.Json = true),

        // What cp(1) has them for, this does without being asked.
        Flag("-r", null, static _ => { }),
        Flag("-R", null, static _ => { }),
        Flag("-a", null, static _ => { }),
    ];

    public string Name { get; } = name;

    public string? ValueName { get; } = valueName;

    public string? Description { get; } = description;

    public bool IsFlag => ValueName is null;

    public Func<CopySettings, string, string?> Apply { get; } = apply;

    public static CopyOption? Named(string name)
    {
        foreach (CopyOption option in All)
        {
            if (string.Equals(option.Name, name, StringComparison.Ordinal))
                return option;
        }

        return null;
    }

    private static CopyOption Flag(string name, string? description, Action<CopySettings> set) => new(name, null, description, (settings, _) =>
    {
        set(settings);
        return null;
    });

    private static CopyOption Words(string name, string description, CopyWord[] words, Action<CopySettings, int> set) =>
        new(name, CopyWords.Joined(words, "|"), $"{description} [default: {words[0].Text}]", (settings, text) =>
        {
            foreach (CopyWord word in words)
            {
                if (!string.Equals(word.Text, text, StringComparison.Ordinal))
                    continue;
                set(settings, word.Value);
                return null;
            }

            return $"{name} is one of {CopyWords.Joined(words, ", ")}, not '{text}'.";
        });

    private static CopyOption Size(string name, string description, Action<CopySettings, long> set) => new(name, "SIZE", description, (settings, text) =>
    {
        if (!Sizes.TryParse(text, out long bytes) || bytes == 0)
            return $"{name} is a number of bytes, such as 4096, 64KiB or 16MiB, not '{text}'.";
        set(settings, bytes);
        return null;
    });

    private static string? Parallel(CopySettings settings, string text)
    {
        if (!int.TryParse(text, System.Globalization.NumberStyles.None, null, out int threads) || threads is < 1 or > MostThreads)
            return $"--parallel is a number from 1 to {MostThreads}, not '{text}'.";
        settings.Options = settings.Options with { Parallelism = threads };
        return null;
    }

    private static string? NoPreserve(CopySettings settings, string text)
    {
        foreach (string part in text.Split(','))
        {
            CopyWord? kind = Array.Find(CopyWords.Metadata, w => string.Equals(w.Text, part, StringComparison.Ordinal));
            if (kind is null)
                return $"--no-preserve takes {CopyWords.Joined(CopyWords.Metadata, ", ")}, not '{part}'.";
            settings.Options = settings.Options with { Preserve = settings.Options.Preserve & ~(FileMetadata)kind.Value };
        }

        return null;
    }
}

namespace OneCopy.Cli.Copy;

/// <summary>A word of the command line and the JSON, and the value of the library's enum that it stands for.</summary>
internal sealed record CopyWord(string Text, int Value);

/// <summary>The words for the library's values. The first of each is the default.</summary>
internal static class CopyWords
{
    // Numbers and no type parameters: code for those would be compiled when the tool starts.
    public static readonly CopyWord[] Engines =
    [
        new("auto", (int)CopyEngine.Auto), new("clone", (int)CopyEngine.Clone), new("copy-range", (int)CopyEngine.CopyRange),
        new("mapped", (int)CopyEngine.Mapped), new("vectored", (int)CopyEngine.Vectored), new("read-write", (int)CopyEngine.ReadWrite),
        new("parallel", (int)CopyEngine.Parallel),
    ];

    public static readonly CopyWord[] SparseModes = [new("auto", (int)SparseMode.Auto), new("always", (int)SparseMode.Always), new("never", (int)SparseMode.Never)];

    public static readonly CopyWord[] Durabilities = [new("none", (int)CopyDurability.None), new("data", (int)CopyDurability.Data), new("full", (int)CopyDurability.Full)];

    public static readonly CopyWord[] Existing = [new("replace", (int)ExistingFile.Replace), new("fail", (int)ExistingFile.Fail), new("skip", (int)ExistingFile.Skip)];

    public static readonly CopyWord[] Metadata =
    [
        new("mode", (int)FileMetadata.Mode), new("times", (int)FileMetadata.Times), new("owner", (int)FileMetadata.Owner),
        new("xattr", (int)FileMetadata.ExtendedAttributes), new("all", (int)FileMetadata.All),
    ];

    public static string Joined(CopyWord[] words, string with) => string.Join(with, Array.ConvertAll(words, static w => w.Text));

    public static string Of(CopyEngine engine) => Of(Engines, (int)engine);

    public static string Of(FileMetadata kind) => Of(Metadata, (int)kind);

    public static string Of(CopyExtentKind kind) => kind == CopyExtentKind.Hole ? "hole" : "data";

    /// <summary>Null: nothing happened to it.</summary>
    public static string? Of(SourceChange change) => change switch
    {
        SourceChange.Grew => "it was appended to",
        SourceChange.Shrank => "it was truncated",
        SourceChange.Modified => "it was written to",
        _ => null,
    };

    private static string Of(CopyWord[] words, int value) => Array.Find(words, w => w.Value == value)?.Text ?? value.ToString();
}

namespace OneCopy.Cli.Copy;

/// <summary>One source, and the name that its copy gets.</summary>
internal sealed record CopyTarget(string Source, string Destination, bool IsDirectory)
{
    /// <summary>It was met in a directory, and was not named.</summary>
    public bool IsInTree { get; init; }

    /// <summary>
    /// As cp(1) has it: into the destination if it is a directory, else under its name. The copy of "dir/." and the like has no name of its own: what is in it goes into the destination.
    /// </summary>
    public static CopyTarget Of(string source, string destination, bool into, bool followLinks)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(source));
        bool named = name is not ("" or "." or "..");
        return new CopyTarget(source, into && named ? Path.Combine(destination, name) : destination, IsDirectoryAt(source, followLinks));
    }

    /// <summary>A name that ends in a slash is what it leads to, as everywhere in Unix.</summary>
    private static bool IsDirectoryAt(string path, bool followLinks) =>
        Directory.Exists(path) && (followLinks || path.EndsWith('/') || !File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint));
}

namespace OneCopy.Cli.Files;

/// <summary>A file to send, and the name that travels with it.</summary>
internal sealed record Outgoing(string Path, string Name, long Length)
{
    public MessageProperties Properties => new() { Headers = { [FileHeaders.Name] = Name } };

    /// <summary>Files as they are named, directories with all below them under the directory's own name. Links inside are left out.</summary>
    public static List<Outgoing> Under(IReadOnlyList<string> paths)
    {
        List<Outgoing> files = [];
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
                files.AddRange(Below(new DirectoryInfo(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)))));
            else if (File.Exists(path))
                files.Add(new Outgoing(path, System.IO.Path.GetFileName(path), new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target.Length : new FileInfo(path).Length));
            else
                throw new IOException($"{path} is not there, so nothing was sent.");
        }

        return files.GroupBy(f => f.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Skip(1).Any()) is { } twice
            ? throw new IOException($"{string.Join(" and ", twice.Select(f => f.Path))} would both arrive as {twice.Key}, so nothing was sent. Send them one after the other, or the directory above.")
            : files;
    }

    private static IEnumerable<Outgoing> Below(DirectoryInfo directory) => directory
        .EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device })
        .Select(f => new Outgoing(f.FullName, System.IO.Path.Combine(directory.Name, System.IO.Path.GetRelativePath(directory.FullName, f.FullName)), f.Length))
        .OrderBy(f => f.Name, StringComparer.Ordinal);
}

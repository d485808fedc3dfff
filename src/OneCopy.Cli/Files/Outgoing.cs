using System.IO.Enumeration;
using OneCopy.Interop;

namespace OneCopy.Cli.Files;

/// <summary>A file to send, and the name that travels with it.</summary>
internal sealed record Outgoing(string Path, string Name, long Length)
{
    public MessageProperties Properties => new() { Headers = { [FileHeaders.Name] = Name } };

    /// <summary>
    /// Files as they are named, directories with all below them under the directory's own name. What is no file there is left out: symbolic links, which may lead
    /// anywhere, pipes, sockets, devices.
    /// </summary>
    public static List<Outgoing> Under(IReadOnlyList<string> paths, List<string> leftOut)
    {
        List<Outgoing> files = [];
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
                files.AddRange(Below(new DirectoryInfo(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path))), leftOut));
            else if (File.Exists(path) && !IsRegular(path))
                throw new IOException($"{path} is no file but a pipe, a socket or a device, so nothing was sent.");
            else if (File.Exists(path))
                files.Add(new Outgoing(path, System.IO.Path.GetFileName(path), new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target.Length : new FileInfo(path).Length));
            else
                throw new IOException($"{path} is not there, so nothing was sent.");
        }

        return files.GroupBy(f => f.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Skip(1).Any()) is { } twice
            ? throw new IOException($"{string.Join(" and ", twice.Select(f => f.Path))} would both arrive as {twice.Key}, so nothing was sent. Send them one after the other, or the directory above.")
            : files;
    }

    private static List<Outgoing> Below(DirectoryInfo directory, List<string> leftOut)
    {
        List<Outgoing> files = [];
        foreach ((string path, bool isLink) in Entries(directory.FullName))
        {
            if (isLink || !IsRegular(path))
                leftOut.Add(path);
            else
                files.Add(new Outgoing(path, System.IO.Path.Combine(directory.Name, System.IO.Path.GetRelativePath(directory.FullName, path)), new FileInfo(path).Length));
        }

        files.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return files;
    }

    // All that is no directory; links to directories are links.
    private static FileSystemEnumerable<(string Path, bool IsLink)> Entries(string directory) => new(
        directory,
        static (ref FileSystemEntry e) => (e.ToFullPath(), IsLink(ref e)),
        new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false })
    {
        ShouldIncludePredicate = static (ref FileSystemEntry e) => !e.IsDirectory || IsLink(ref e),
        ShouldRecursePredicate = static (ref FileSystemEntry e) => !IsLink(ref e),
    };

    private static bool IsLink(ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) != FileAttributes.None;

    private static bool IsRegular(string path) => Stat.Of(path, out statx s).Succeeded && (s.stx_mode & Stat.S_IFMT) == Stat.S_IFREG;
}

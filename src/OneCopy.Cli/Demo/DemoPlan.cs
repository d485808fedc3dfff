namespace OneCopy.Cli.Demo;

/// <summary>A file of the input; its number is its name among the processes.</summary>
internal sealed record DemoFile(int Id, string Path, int Length);

/// <summary>Which files go, and in which waves, so that what is in memory at a time stays bounded.</summary>
internal sealed record DemoPlan(IReadOnlyList<DemoFile> Files, IReadOnlyList<IReadOnlyList<DemoFile>> Waves, string From)
{
    /// <summary>A file is in memory once at its producer, and each consumer has memory for the largest; larger ones are a job for onecopy send.</summary>
    private const long LargestFile = 1L << 30;

    /// <summary>What the producers' files may take together.</summary>
    private const long MemoryLimit = 768L << 20;

    public long Bytes => Files.Sum(f => (long)f.Length);

    /// <summary>The folder of the .NET frameworks, beside the one that runs this process: ROOT/shared/Microsoft.NETCore.App/VERSION.</summary>
    public static string DefaultInput() =>
        Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", ".."));

    public static DemoPlan Of(IReadOnlyList<string> inputs)
    {
        IReadOnlyList<string> from = inputs.Count > 0 ? inputs : [DefaultInput()];
        List<DemoFile> files = [];
        foreach (FileInfo file in from.SelectMany(FilesUnder).DistinctBy(f => f.FullName, StringComparer.Ordinal))
        {
            if (file.Length > LargestFile)
                throw new IOException($"{file.FullName} has {file.Length:N0} bytes; the demo holds files in memory and takes them up to {LargestFile:N0}. Leave it out, or send it with 'onecopy send'.");
            files.Add(new DemoFile(files.Count, file.FullName, (int)file.Length));
        }

        return files.Count == 0
            ? throw new IOException($"There are no files under {string.Join(", ", from)}. Name a directory or a file that has some with --input.")
            : new DemoPlan(files, WavesOf(files, MemoryLimit), string.Join(", ", from));
    }

    /// <summary>Deals things out so that every share has about the same size: the largest first, each to the smallest share.</summary>
    public static List<T>[] Deal<T>(IEnumerable<T> things, int shares, Func<T, long> size)
    {
        List<T>[] dealt = [.. Enumerable.Range(0, shares).Select(_ => new List<T>())];
        PriorityQueue<int, (long Size, int Share)> smallest = new(Enumerable.Range(0, shares).Select(s => (s, (0L, s))));
        foreach (T thing in things.OrderByDescending(size))
        {
            smallest.TryDequeue(out int share, out (long Size, int Share) load);
            dealt[share].Add(thing);
            smallest.Enqueue(share, (load.Size + size(thing), share));
        }

        return dealt;
    }

    private static IEnumerable<FileInfo> FilesUnder(string input)
    {
        if (File.Exists(input))
            return [new FileInfo(input)];
        if (!Directory.Exists(input))
            throw new IOException($"{input} is not there. Name a directory or a file with --input.");

        // Links are left out: what they point to may be a device, or the directory above.
        return new DirectoryInfo(input)
            .EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device })
            .Where(f => f.UnixFileMode != UnixFileMode.None)
            .OrderBy(f => f.FullName, StringComparer.Ordinal);
    }

    private static List<List<DemoFile>> WavesOf(List<DemoFile> files, long limit)
    {
        List<List<DemoFile>> waves = [[]];
        long size = 0;
        foreach (DemoFile file in files)
        {
            if (size + file.Length > limit && waves[^1].Count > 0)
            {
                waves.Add([]);
                size = 0;
            }

            waves[^1].Add(file);
            size += file.Length;
        }

        return waves;
    }
}

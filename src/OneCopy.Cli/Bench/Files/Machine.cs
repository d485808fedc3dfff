namespace OneCopy.Cli.Bench.Files;

/// <summary>Where the figures are from.</summary>
internal sealed record Machine(string FileSystem, string Kernel, int Processors)
{
    public static Machine Of(string directory) => new(FileSystemOf(directory), Environment.OSVersion.Version.ToString(), Environment.ProcessorCount);

    public override string ToString() => $"{FileSystem}, Linux {Kernel}, {Processors} processors";

    /// <summary>The type and place of the mount that the directory is in: the last of the longest that lead to it (proc_pid_mountinfo(5)).</summary>
    private static string FileSystemOf(string directory)
    {
        string type = "an unknown file system", at = "";
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            string[] words = line.Split(' ');
            int dash = Array.IndexOf(words, "-");
            string place = words[4].Replace("\\040", " ");
            bool holds = place is "/" || string.Equals(directory, place, StringComparison.Ordinal) || directory.StartsWith(place + "/", StringComparison.Ordinal);
            if (holds && place.Length >= at.Length)
                (type, at) = (words[dash + 1], place);
        }

        return type;
    }
}

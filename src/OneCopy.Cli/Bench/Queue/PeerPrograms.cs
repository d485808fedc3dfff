namespace OneCopy.Cli.Bench.Queue;

/// <summary>Where the programs of other systems are.</summary>
internal static class PeerPrograms
{
    /// <summary>What to do about one that is not there.</summary>
    public const string Advice = "In a checkout, bench/peers/build makes those whose libraries are installed; --peer-dir says where they are.";

    private static readonly string s_place = Path.Combine("bench", "peers", "out");

    /// <summary>bench/peers/out of the checkout that the tool lies in, or else of the one that the current directory lies in, or else of the current directory.</summary>
    public static string Directory() => Above(AppContext.BaseDirectory) ?? Above(Environment.CurrentDirectory) ?? Path.GetFullPath(s_place);

    private static string? Above(string directory)
    {
        for (string? at = directory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (System.IO.Directory.Exists(Path.Combine(at, "bench", "peers")))
                return Path.Combine(at, s_place);
        }

        return null;
    }
}

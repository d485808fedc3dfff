namespace OneCopy.Cli.Bench.Files;

[Flags]
internal enum Work
{
    Copy = 1,
    Read = 2,
    All = Copy | Read,
}

/// <summary>What <c>bench files</c> was asked for.</summary>
/// <param name="Directory">Where the files are made.</param>
/// <param name="Sizes">Of the files, ascending.</param>
/// <param name="Rounds">How often each way has its turn.</param>
/// <param name="Quick">Fewer and smaller.</param>
/// <param name="Work">What is done.</param>
/// <param name="Caches">Whether the sources are cold, in this order.</param>
internal sealed record FilesOptions(string Directory, IReadOnlyList<long> Sizes, int Rounds, bool Quick, Work Work, IReadOnlyList<bool> Caches)
{
    public static readonly IReadOnlyList<long> UsualSizes = [4L << 10, 64L << 10, 1L << 20, 16L << 20, 256L << 20, 1L << 30];
    public static readonly IReadOnlyList<long> QuickSizes = [4L << 10, 64L << 10, 1L << 20, 16L << 20, 64L << 20];

    public static readonly IReadOnlyList<bool> WarmAndCold = [false, true];

    public const int UsualRounds = 5;

    /// <summary>How many bytes one round of copying moves at least, if the files are small; in no more than <see cref="MostFiles"/>.</summary>
    public long BytesOfRound => Quick ? 16L << 20 : 64L << 20;

    public int MostFiles => Quick ? 64 : 256;

    /// <summary>Reads are of the largest of the sizes.</summary>
    public long ReadFile => Sizes.Max();

    /// <summary>Lengths of random reads.</summary>
    public IReadOnlyList<int> RandomLengths => [.. ((int[])(Quick ? [64, 4 << 10] : [64, 512, 4 << 10, 64 << 10])).Where(l => l <= ReadFile)];

    /// <summary>Lengths of sequential reads.</summary>
    public IReadOnlyList<int> SequentialLengths => [.. ((int[])(Quick ? [4 << 10, 256 << 10] : [4 << 10, 64 << 10, 1 << 20])).Where(l => l <= ReadFile)];

    /// <summary>Enough to be far above the clock; on cold storage each may take a hundred microseconds, or on disks ten milliseconds.</summary>
    public int RandomReads(int length, bool cold)
    {
        long bytes = Quick ? 256L << 20 : 1L << 30;
        int most = (cold, Quick) switch { (true, true) => 256, (true, false) => 2048, (false, true) => 128 << 10, _ => 1 << 20 };
        return (int)Math.Clamp(bytes / length, 1, most);
    }
}

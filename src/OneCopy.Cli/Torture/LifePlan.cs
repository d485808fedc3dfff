namespace OneCopy.Cli.Torture;

/// <summary>
/// What a life does, drawn from the seed and the life's number alone, so that the same seed makes the same plan. When the kernel runs whom is
/// not in the plan, and differs from run to run.
/// </summary>
internal sealed record LifePlan
{
    private const int MostSize = 4 << 20;

    /// <summary>Threads that send by copy.</summary>
    public required int Senders { get; init; }

    /// <summary>Flows that send with <c>SendAsync</c>, each waiting for its receiver.</summary>
    public required int AsyncSenders { get; init; }

    public required int Receivers { get; init; }

    public required int AsyncReceivers { get; init; }

    /// <summary>Options of the first, second, … handle: a worker that "resizes" leaves and comes back with others.</summary>
    public required QueueOptions[] Handles { get; init; }

    /// <summary>How long each handle but the last is kept.</summary>
    public required TimeSpan HandleTime { get; init; }

    /// <summary>Whether handles are closed under the feet of their threads, or after them.</summary>
    public required bool ClosesHard { get; init; }

    /// <summary>Milliseconds between two bursts of sends, at most.</summary>
    public required int Pause { get; init; }

    /// <summary>Bytes of the largest message.</summary>
    public required int LargestMessage { get; init; }

    /// <summary>Killed so long after its start, if it is not killed before: in the middle of joining.</summary>
    public required TimeSpan? KilledEarly { get; init; }

    /// <summary>Asked to leave so long after its start.</summary>
    public required TimeSpan? Leaves { get; init; }

    /// <summary>Killed so long after it was asked to leave: in the middle of closing.</summary>
    public required TimeSpan? KilledLeaving { get; init; }

    /// <summary>The plan of a life; life 1 is the first.</summary>
    public static LifePlan Of(long seed, int life, string root)
    {
        Random dice = Dice(seed, life, 0);
        int role = dice.Next(100);
        bool sends = role < 80;
        bool receives = role is < 65 or >= 80;
        QueueOptions[] handles = [.. Enumerable.Range(0, dice.Next(4) == 0 ? 3 : 1).Select(_ => OptionsOf(dice, root))];
        bool leaves = dice.Next(100) < 30;
        return new LifePlan
        {
            Senders = sends ? 1 : 0,
            AsyncSenders = sends ? dice.Next(4) : 0,
            Receivers = receives ? 1 + dice.Next(2) : 0,
            AsyncReceivers = receives && dice.Next(3) == 0 ? 1 : 0,
            Handles = handles,
            HandleTime = TimeSpan.FromMilliseconds(dice.Next(50, 1500)),
            ClosesHard = dice.Next(2) == 0,
            Pause = dice.Next(10, 100),
            LargestMessage = dice.Next(5) == 0 ? MostSize : 512 << 10,
            KilledEarly = dice.Next(100) < 15 ? TimeSpan.FromMilliseconds(dice.NextDouble() * 400) : null,
            Leaves = leaves ? TimeSpan.FromMilliseconds(dice.Next(500, 6000)) : null,
            KilledLeaving = leaves && dice.Next(100) < 60 ? TimeSpan.FromMilliseconds(dice.NextDouble() * 25) : null,
        };
    }

    /// <summary>A source of its own for each purpose, from the seed.</summary>
    public static Random Dice(long seed, int life, int purpose)
    {
        ulong z = unchecked(((ulong)seed * 0x9E3779B97F4A7C15) + ((ulong)(uint)life << 20) + (uint)purpose);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return new Random((int)(z ^ (z >> 31)));
    }

    private static QueueOptions OptionsOf(Random dice, string root) => TortureRun.QueueOptions(root) with
    {
        Blocks = dice.Next(5) switch { 0 => 4 + dice.Next(8), 1 => 256, _ => 16 + dice.Next(64) },
        ArenaLimit = dice.Next(4) == 0 ? 5 << 20 : 32 << 20,
        AttachThreshold = dice.Next(5) == 0 ? long.MaxValue : 32 << 10,
        Attach = dice.Next(3) != 0 ? AttachMode.Allowed : AttachMode.Never,
        WaitStrategy = dice.Next(4) == 0 ? WaitStrategy.Sleep : WaitStrategy.Adaptive,
    };
}

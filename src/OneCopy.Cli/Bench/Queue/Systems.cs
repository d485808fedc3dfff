using OneCopy.Cli.Bench.Queue.Workers;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>Everything that takes part, and by what names.</summary>
internal static class Systems
{
    public const string OneCopy = "onecopy";
    public const string Batch = "onecopy batch";
    public const string Into = "onecopy into";
    public const string IntoBatch = "onecopy into batch";
    public const string IntoSpin = "onecopy into spin";
    public const string Async = "onecopy async";
    public const string Pooled = "onecopy pooled";
    public const string InPlace = "onecopy in place";

    /// <summary>The same with short messages, in the rounds of the long ones: with those of its own rounds, minutes before, other processors may have been to be had.</summary>
    public const string InPlaceAgain = "onecopy in place again";

    public const long InPlaceSize = 64 << 20;
    public const string Spin = "onecopy spin";
    public const string Sleep = "onecopy sleep";
    public const string Pipes = "System.IO.Pipes";
    public const string Ring = "shm-ring";
    public const string Futex = "futex";
    public const string Memcpy = "memcpy";
    public const string Leased = "leased";
    public const string LeasedBatch = "leased batch";

    private const long Page = 4096;
    private const long Large = 64 << 10;

    /// <summary>Of peers, by the words before the first blank: what <c>--peers</c> takes.</summary>
    public static readonly IReadOnlyList<string> PeerNames = [.. Peers("").Select(p => p.Name).Append(Pipes).SelectMany(n => (string[])[n, Group(n)]).Distinct(StringComparer.Ordinal)];

    public static IReadOnlyList<QueueSystem> Own(WorkerPair workers) =>
    [
        new WorkerSystem(OneCopy, Family.OneCopy, Ways.OneByOne, workers, Any),
        new WorkerSystem(Batch, Family.OneCopy, Ways.Batch, workers, (test, bytes) => test == QueueTest.Throughput && bytes <= Page),
        new WorkerSystem(Into, Family.OneCopy, Ways.Into, workers, (test, bytes) => test == QueueTest.Throughput && bytes <= Page),
        new WorkerSystem(IntoBatch, Family.OneCopy, Ways.IntoBatch, workers, (test, bytes) => test == QueueTest.Throughput && bytes <= Page),
        new WorkerSystem(Async, Family.OneCopy, Ways.Async, workers, Any),
        new WorkerSystem(Pooled, Family.OneCopy, Ways.Pooled, workers, (test, bytes) => Any(test, bytes) && bytes >= Large),
        new WorkerSystem(InPlace, Family.OneCopy, Ways.InPlace, workers, (test, _) => test == QueueTest.RoundTrip),
        new WorkerSystem(InPlaceAgain, Family.OneCopy, Ways.InPlace, workers, (test, bytes) => test == QueueTest.RoundTrip && bytes == InPlaceSize, always: QueueBenchOptions.Small),
        new WorkerSystem(Spin, Family.OneCopy, Ways.Spin, workers, (test, bytes) => test == QueueTest.RoundTrip && bytes <= Large),
        new WorkerSystem(IntoSpin, Family.OneCopy, Ways.IntoSpin, workers, (test, bytes) => test == QueueTest.RoundTrip && bytes <= Page),
        new WorkerSystem(Sleep, Family.OneCopy, Ways.Sleep, workers, (test, bytes) => test == QueueTest.RoundTrip && bytes <= Large),
    ];

    /// <summary>The others, of which those are taken that are named; a name stands for all that begin with it.</summary>
    public static IReadOnlyList<QueueSystem> Others(WorkerPair workers, string directory, IReadOnlyList<string>? named)
    {
        IEnumerable<QueueSystem> all = Peers(directory).Append(new WorkerSystem(Pipes, Family.Peer, Ways.Pipes, workers, (test, bytes) => Any(test, bytes) && bytes > 0));
        return [.. all.Where(p => named is null || named.Any(n => Names(n, p.Name))).OrderBy(p => p.Family)];
    }

    public static bool Names(string name, string system) => string.Equals(name, system, StringComparison.OrdinalIgnoreCase) || string.Equals(name, Group(system), StringComparison.OrdinalIgnoreCase);

    private static string Group(string name) => name switch
    {
        Leased or LeasedBatch or Memcpy or "memcpy-huge" or "cacheline" or Futex or "pull" or "both" or "both-huge" => "limits",
        _ => name.Split(' ')[0],
    };

    private static IReadOnlyList<QueueSystem> Peers(string directory)
    {
        return
        [
            Peer("ucx cma", "ucx", "cma"),
            Peer("ucx posix", "ucx", "posix"),
            Peer("openmpi", "openmpi"),
            Peer("openmpi none", "openmpi", "none"),
            Peer("zeromq", "zeromq"),
            Peer("boost", "boost"),
            Peer("iceoryx", "iceoryx"),
            new NativePeer("iceoryx in place", Family.PeerInPlace, directory, "iceoryx", "in-place", (test, _) => test == QueueTest.RoundTrip),
            Peer(Ring, "shm-ring"),
            new NativePeer("shm-ring sleep", Family.Peer, directory, "shm-ring", "sleep", (test, bytes) => test == QueueTest.RoundTrip && bytes <= Large),
            Peer("unix-socket", "unix-socket"),
            Peer("pipe", "pipe"),
            Peer("pipe vmsplice", "pipe", "vmsplice"),
            Limit(Memcpy, "memcpy", (test, bytes) => test == QueueTest.Throughput && bytes > 0),
            Limit("memcpy-huge", "memcpy-huge", (test, bytes) => test == QueueTest.Throughput && bytes >= Large),
            Limit("pull", "pull", (test, bytes) => test == QueueTest.Throughput && bytes >= Page),
            Limit("both", "both", (test, bytes) => test == QueueTest.Throughput && bytes >= Large),
            Limit("both-huge", "both-huge", (test, bytes) => test == QueueTest.Throughput && bytes >= Large),
            Limit("cacheline", "cacheline", (test, bytes) => test == QueueTest.RoundTrip && bytes is > 0 and <= 64),
            new NativePeer(Leased, Family.Limit, directory, "leased", "one", (test, bytes) => Any(test, bytes) && bytes <= Large),
            new NativePeer(LeasedBatch, Family.Limit, directory, "leased", "batch", (test, bytes) => test == QueueTest.Throughput && bytes <= Page),
            Limit(Futex, "futex", (test, bytes) => test == QueueTest.RoundTrip && bytes is > 0 and <= 64),
        ];

        NativePeer Peer(string name, string program, string? variant = null) => new(name, Family.Peer, directory, program, variant, Any);

        NativePeer Limit(string name, string variant, Func<QueueTest, long, bool> takes) => new(name, Family.Limit, directory, "limits", variant, takes);
    }

    private static bool Any(QueueTest test, long bytes) => test is QueueTest.Throughput or QueueTest.RoundTrip;
}

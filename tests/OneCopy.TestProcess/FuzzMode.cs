using System.Collections.Concurrent;
using System.Diagnostics;

namespace OneCopy.TestProcess;

/// <summary>
/// Damages the files of a live queue, one corruption after the other, and goes on using it in between. All that may happen is a documented
/// exception; a crash, anything else thrown, or an operation that takes too long is a failure, said with what it takes to begin there again.
/// </summary>
internal sealed class FuzzMode
{
    private const int CorruptionsInRound = 40;

    // So often refused because of the ring, a queue is done for, and the next one is begun.
    private const int RefusalsInRound = 12;
    private const int MaxMappings = 20_000;
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(8);

    private readonly string _root;
    private readonly int _seed;
    private readonly int _count;
    private readonly ConcurrentDictionary<string, int> _ends = new(StringComparer.Ordinal);
    private FuzzPeer? _peer;
    private int _done;
    private int _round;
    private int _refusals;

    private FuzzMode(string root, int seed, int count, int round)
    {
        _root = root;
        _seed = seed;
        _count = count;
        _round = round;
    }

    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("queue-fuzz", args => new FuzzMode(args[0], int.Parse(args[1]), int.Parse(args[2]), args.Length > 3 ? int.Parse(args[3]) : 0).Run());
        modes.Add(FuzzPeer.Mode, FuzzPeer.Serve);
    }

    /// <summary>ROOT SEED COUNT [ROUND]: says "at N" now and then, and "fuzzed N …" at the end. ROUND: where to begin, to see a failure again.</summary>
    private int Run()
    {
        TaskScheduler.UnobservedTaskException += (_, e) => Note("unobserved", e.Exception.InnerException!);
        long start = Stopwatch.GetTimestamp();
        long said = start;
        int rounds = 0;
        for (; _done < _count; _round++, rounds++)
        {
            Round();
            if (Stopwatch.GetElapsedTime(said).TotalSeconds < 1)
                continue;
            said = Stopwatch.GetTimestamp();
            Console.WriteLine($"at {_done}, {Mappings()} mappings");
            if (Mappings() > MaxMappings)
                Fail("mappings are not given back");
        }

        _peer?.Dispose();
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        string ends = string.Join(", ", _ends.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Value} {e.Key}"));
        Console.WriteLine($"fuzzed {_done} in {took.TotalSeconds:F1} s, {rounds} rounds, seed {_seed}; {ends}");
        return 0;
    }

    private void Round()
    {
        Random random = new(unchecked((_seed * 1_000_003) + _round)); // The same in every process, as HashCode is not.
        string name = $"f{_round}";
        using FuzzOperations operations = new(_root, name, random.Next(), Note, Watch);
        Corruption corruption = new(Path.Combine(_root, name), random);
        bool withPeer = random.Next(8) == 0;
        _refusals = 0;
        operations.Fill();
        if (withPeer)
            Peer().Tell($"open {name} {random.Next()}");
        for (int i = 0; i < CorruptionsInRound && _done < _count && _refusals < RefusalsInRound; i++, _done++)
        {
            string what = corruption.Apply();
            LastCorruption = what;
            if (random.Next(10) == 0)
                ScribbleWhile(random, corruption, operations);
            for (int k = random.Next(1, 4); k > 0; k--)
                operations.Any();
            if (withPeer && i % 8 == 0)
                Peer().Tell("go");

            // Mostly set right again, or after a few wrong words of the ring nothing would work any more, and no more be tried.
            if (random.Next(4) != 0)
                corruption.Undo();
        }

        if (withPeer)
            Peer().Tell("close");
        operations.Dispose();
        foreach (string left in new[] { name, name + ".dead" })
        {
            if (Directory.Exists(Path.Combine(_root, left)))
                Directory.Delete(Path.Combine(_root, left), recursive: true);
        }
    }

    /// <summary>One thread goes on scribbling while two others use the queue.</summary>
    private void ScribbleWhile(Random random, Corruption corruption, FuzzOperations operations)
    {
        bool stop = false;
        Thread scribbler = new(() =>
        {
            while (!Volatile.Read(ref stop))
                corruption.Scribble();
        });
        int steps = random.Next(5, 20);
        using FuzzOperations second = operations.Another(random.Next());
        Thread user = new(() =>
        {
            for (int i = 0; i < steps; i++)
                second.Any();
        });
        scribbler.Start();
        user.Start();
        for (int i = 0; i < steps; i++)
            operations.Any();
        user.Join();
        Volatile.Write(ref stop, true);
        scribbler.Join();
    }

    private string LastCorruption { get; set; } = "none";

    private FuzzPeer Peer() => _peer ??= new FuzzPeer(_root, Fail);

    private void Note(string operation, Exception e)
    {
        if (!FuzzOperations.IsDocumented(e))
            Fail($"{operation} threw {e}");
        if (e is QueueCorruptException corrupt && corrupt.Path.EndsWith("/ring", StringComparison.Ordinal))
            Interlocked.Increment(ref _refusals);
        _ends.AddOrUpdate(e.GetType().Name, 1, static (_, n) => n + 1);
    }

    private static int Mappings() => File.ReadLines("/proc/self/maps").Count();

    private IDisposable Watch(string operation) => new Watched(this, operation);

    private void Fail(string what)
    {
        string text = $"FAILED seed {_seed} round {_round} corruption {_done} ({LastCorruption}): {what}";
        Console.Error.WriteLine(text);
        Console.Error.Flush();
        Process.GetCurrentProcess().Kill();
    }

    /// <summary>Ends the process when an operation takes too long, whatever it waits for.</summary>
    private sealed class Watched : IDisposable
    {
        private readonly Timer _timer;

        public Watched(FuzzMode mode, string operation) =>
            _timer = new Timer(_ => mode.Fail($"{operation} took longer than {s_bound}"), null, s_bound, Timeout.InfiniteTimeSpan);

        public void Dispose() => _timer.Dispose();
    }
}

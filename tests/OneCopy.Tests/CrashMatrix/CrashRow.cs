using System.Diagnostics;
using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>How the victim is hit.</summary>
internal enum Hit
{
    /// <summary>Not at all: which steps it takes is written down.</summary>
    None,
    Kill,
    Stop,
}

/// <summary>One run of a scenario: with the victim hit at one step, or not at all.</summary>
internal sealed partial class CrashRow(CrashSlot slot, CrashScenario scenario, string step, Hit hit)
{
    public const string Queue = "q";
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(20);

    private readonly string _root = slot.BeginRow();
    private readonly List<CrashProcess> _others = [];
    private readonly CrashLedger _ledger = new();
    private CrashProcess? _victim;
    private Ring? _ring;

    public CrashProcess Sender => slot.Sender;

    public CrashProcess Receiver => slot.Receiver;

    public CrashProcess Victim => _victim!;

    public int VictimIndex { get; private set; }

    public int SenderIndex { get; private set; }

    public int ReceiverIndex { get; private set; }

    public string DirectoryPath => Path.Combine(_root, Queue);

    /// <summary>The queue's ring, mapped by this process, which is no participant.</summary>
    public Ring Ring => _ring ??= Ring.Open(QueueDirectory.Of(Queue, new QueueOptions { Root = _root }), new QueueOptions(), create: false)!;

    public QueueDirectory QueueDirectory => QueueDirectory.Of(Queue, new QueueOptions { Root = _root });

    private bool HasCrashed => slot.At != 0;

    /// <summary>Runs the row. Failures are in the outcome, one line each.</summary>
    public static async Task<CrashOutcome> Run(CrashSlot slot, CrashScenario scenario, string step, Hit hit)
    {
        CrashRow row = new(slot, scenario, step, hit);
        CrashOutcome outcome = new() { Steps = [] };
        try
        {
            await row.Run(outcome);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or IOException or OneCopyException)
        {
            outcome.Failures.Add(e.ToString());
        }
        finally
        {
            foreach (CrashProcess other in row._others)
                other.Dispose();
            row._victim?.Dispose();
            foreach (Participant file in row._files.Values)
                file.Dispose();
            row._ring?.Dispose();
            if (outcome.Failures.Count > 0)
                slot.DropSurvivors();
            if (Directory.Exists(row._root))
                Directory.Delete(row._root, recursive: true);
        }

        return outcome;
    }

    /// <summary>Waits for a condition, or for the crash; true: the condition came first.</summary>
    public async Task<bool> When(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (HasCrashed)
                return false;
            if (Stopwatch.GetElapsedTime(start) > s_bound)
                throw new TimeoutException($"Not within {s_bound}: {what}.");
            await Task.Delay(1);
        }

        return !HasCrashed;
    }

    public static async Task Until(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > s_bound)
                throw new TimeoutException($"Not within {s_bound}: {what}.");
            await Task.Delay(1);
        }
    }

    /// <summary>One more process, which prepares what the victim meets; it has joined when this returns.</summary>
    public async Task<(CrashProcess Process, int Index)> Join(int number, string options = "")
    {
        CrashProcess other = slot.Start(number);
        _others.Add(other);
        await other.Do(RowLine(options + " aloud"));
        int index = int.Parse(await other.Do("open"));
        return (other, index);
    }

    /// <summary>Has a process do what it dies of.</summary>
    public static async Task Dies(CrashProcess process, string line)
    {
        try
        {
            await process.Do(line);
        }
        catch (InvalidOperationException)
        {
            // Its output ended.
        }

        process.Reap();
    }

    /// <summary>Lets a process go on that waits at a step.</summary>
    public void LetGo() => slot.LetGo();

    private string RowLine(string options) => $"row {_root} {Queue} {CrashScenario.Defaults} {scenario.QueueOptions} {options}".TrimEnd();
}

/// <summary>What a row came to.</summary>
internal sealed class CrashOutcome
{
    /// <summary>The steps that the victim takes, in order, if it is not hit.</summary>
    public IReadOnlyList<string> Steps { get; set; } = [];

    public List<string> Failures { get; } = [];

    /// <summary>The longest that the others had to wait for anything, in milliseconds.</summary>
    public double Worst { get; set; }

    /// <summary>How late a thread was meanwhile that waits for nobody, at worst.</summary>
    public double MachineDelay { get; set; }

    /// <summary>The bound was missed, and nothing else.</summary>
    public bool IsLate { get; set; }

    /// <summary>What the scenario brings about did not come about: somebody was faster.</summary>
    public bool WasNotReached { get; set; }

    /// <summary>Nothing failed but what the machine can do to a test.</summary>
    public bool MayBeChance => (IsLate || WasNotReached) && Failures.Count == 1;

    public bool WasRepeated { get; set; }
}

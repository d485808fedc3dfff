using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>What happens at a crash point: nothing, a note of it, a wait, or this process's end or standstill.</summary>
internal static class CrashArm
{
    private const int SIGKILL = 9;
    private const int SIGSTOP = 19;

    private static readonly Lock s_gate = new();
    private static readonly List<string> s_order = [];
    private static readonly Dictionary<string, int> s_counts = new(StringComparer.Ordinal);
    private static readonly int s_self = (int)Pidfd.pidfd_open(Environment.ProcessId).Value;
    private static volatile bool s_armed;
    private static volatile string? s_step;
    private static volatile string? s_waitAt;
    private static volatile bool s_recoversLate;
    private static int s_left;
    private static int s_taken;
    private static int s_signal;
    private static bool s_isTheRows;

    // This thread is about to claim and complete a message in one step.
    [ThreadStatic]
    private static bool t_takes;

    /// <summary>Called when a message was claimed and completed in one step, which only the step after it shows, or is about to be completed.</summary>
    public static Action? Taken { get; set; }

    /// <summary>The steps reached since <see cref="Record"/>, in order of their first time, as STEP:TIMES.</summary>
    public static string Recorded
    {
        get
        {
            lock (s_gate)
                return string.Join(' ', s_order.Select(s => $"{s}:{s_counts[s]}"));
        }
    }

    /// <summary>Whether a step was reached since the process was armed.</summary>
    public static int CountOf(string step)
    {
        lock (s_gate)
            return s_counts.GetValueOrDefault(step);
    }

    public static void Record()
    {
        lock (s_gate)
        {
            s_order.Clear();
            s_counts.Clear();
        }

        s_taken = 0;

        s_armed = true;
    }

    /// <summary>Kills or stops this process right before the given step is done for the given time.</summary>
    /// <remarks>"die" is a kill that is not the row's: it has happened before.</remarks>
    public static void Arm(string how, string step, int time)
    {
        s_signal = how is "stop" ? SIGSTOP : SIGKILL;
        s_isTheRows = how is not "die";
        s_left = time;
        s_step = step;
        Record();
    }

    public static void WaitAt(string? step) => s_waitAt = step;

    /// <summary>Has this process see to the dead only after the crash, as if its threads for that got no processor.</summary>
    public static void RecoverLate(bool late) => s_recoversLate = late;

    public static void Reached(string step)
    {
        while (s_recoversLate && CrashBoard.At == 0
            && (step, Thread.CurrentThread.Name) is (Step.DeathLock, "OneCopy peers") or (Step.RetireCheck, "OneCopy doorbells"))
            CrashBoard.Nap(1);
        if (CrashBoard.Go == 0 && string.Equals(step, s_waitAt, StringComparison.Ordinal))
            Wait();
        if (!s_armed)
            return;
        Note(step);
        if (t_takes && step is Step.TakeSleepers or Step.ReceivePop)
        {
            s_taken++;
            Taken?.Invoke();
        }
        else if (step is Step.CompleteState)
        {
            Taken?.Invoke(); // About to be, of one that is claimed first.
        }

        t_takes = step is Step.TakeState;
        if (step is Step.SleepWait or Step.DeathFull)
            CrashBoard.CountSleep();
        if (!string.Equals(step, s_step, StringComparison.Ordinal) || Interlocked.Decrement(ref s_left) != 0)
            return;
        if (s_isTheRows)
        {
            CrashAccount.WriteLine($"e at {step} {CountOf(Step.CompleteState) - (step is Step.CompleteState ? 1 : 0) + s_taken}");
            CrashBoard.At = CrashBoard.Now;
        }

        // To this process, from within: it gets no further than this call.
        Pidfd.pidfd_send_signal(s_self, s_signal).OrThrow("pidfd_send_signal");
    }

    private static void Wait()
    {
        CrashBoard.CountWait();
        while (CrashBoard.Go == 0 && CrashBoard.At == 0)
            CrashBoard.Nap(1);
    }

    private static void Note(string step)
    {
        lock (s_gate)
        {
            int count = s_counts.GetValueOrDefault(step);
            s_counts[step] = count + 1;
            if (count == 0)
                s_order.Add(step);
        }
    }
}

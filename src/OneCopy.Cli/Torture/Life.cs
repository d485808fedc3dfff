using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using OneCopy.Cli.Processes;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy.Cli.Torture;

/// <summary>One worker process, as its conductor sees it: from its start to its death, its journal mapped all the while.</summary>
internal sealed class Life : IDisposable
{
    private readonly WorkerProcess _process;
    private readonly SafeFileHandle _pidfd;
    private long _participantOf;

    public Life(string root, int number, long seed)
    {
        Number = number;
        Plan = LifePlan.Of(seed, number, root);
        string path = Worker.JournalPath(root, number);
        Journal.Create(path);
        Journal = Journal.Open(path);
        _process = WorkerProcess.Start($"worker of life {number}", WorkerCode.Quick, TortureCommand.WorkerName, root, $"{number}", $"{seed}");
        StartedAt = Stopwatch.GetTimestamp();

        // It is our child and not reaped yet, or, if it has ended already, its number is not used again so soon.
        SysResult opened = Pidfd.pidfd_open(_process.Pid);
        _pidfd = SafeFd.Of(opened);
        HasEnded = !opened.Succeeded;
        for (int slot = 0; slot < Waits.Length; slot++)
            Waits[slot] = new SlotWait();
    }

    public int Number { get; }

    public LifePlan Plan { get; }

    public Journal Journal { get; }

    public long StartedAt { get; }

    public bool HasEnded { get; private set; }

    /// <summary>0 = not killed.</summary>
    public long KilledAt { get; private set; }

    /// <summary>0 = not asked to leave.</summary>
    public long AskedToLeaveAt { get; private set; }

    /// <summary>When it is to go on; 0 = it is not stopped.</summary>
    public long StoppedUntil { get; private set; }

    public SlotWait[] Waits { get; } = new SlotWait[Journal.SlotCount];

    /// <summary>How late it had been when <see cref="StallWatch"/> looked last.</summary>
    public long LateAtLastLook { get; set; }

    /// <summary>Its participant's file, while it has joined. Null: not yet, or no longer.</summary>
    public Participant? Participant { get; private set; }

    /// <summary>What the table of participants has for it as long as it lives.</summary>
    public long LiveEntry { get; private set; }

    public Stage Stage => (Stage)(byte)Volatile.Read(ref Journal.StageWord);

    /// <summary>Neither killed nor stopped, and past its start: it has to be served.</summary>
    public bool Runs => !HasEnded && KilledAt == 0 && StoppedUntil == 0 && Volatile.Read(ref Journal.Beat) != 0;

    /// <summary>For how long in all it has not run though it would have; includes what is going on at this moment.</summary>
    public long LateAt(long now)
    {
        long allowance = (Pulse.PeriodMilliseconds + 1) * 1_000_000L;
        return Volatile.Read(ref Journal.Late) + Math.Max(0, now - Volatile.Read(ref Journal.Beat) - allowance);
    }

    /// <summary>
    /// How long one of its threads has stood in line for a processor in all, in nanoseconds, by the kernel's own count (schedstat in proc(5));
    /// 0 if the kernel does not count.
    /// </summary>
    public long QueuedForProcessor(int thread) => Slot.QueuedForProcessor($"/proc/{_process.Pid}/task/{thread}/schedstat");

    /// <summary>The same for all its threads together.</summary>
    public long QueuedForProcessor() => Slot.QueuedForProcessorOfAll($"{_process.Pid}");

    /// <summary>Looks whether it has ended, and where it is in the queue.</summary>
    public void Look(Ring? ring, QueueDirectory directory)
    {
        HasEnded = HasEnded || Pidfd.HasExited(_pidfd.Fd());
        long word = Volatile.Read(ref Journal.StageWord);
        if (ring is null || word == _participantOf || KilledAt != 0)
            return;
        Participant?.Dispose();
        Participant = null;
        if ((Stage)(byte)word != Stage.Joined)
        {
            _participantOf = word;
            return;
        }

        int index = (int)((word >> 8) & 0xffffff);
        long entry = Volatile.Read(ref ring.Entry(index));
        if (entry == 0 || Entries.IsDead(entry))
            return;
        Participant = Participant.Attach(directory, ring, index, Entries.IncarnationOf(entry));
        LiveEntry = entry;
        _participantOf = word;
    }

    public void Kill()
    {
        KilledAt = Stopwatch.GetTimestamp();
        Pidfd.pidfd_send_signal(_pidfd.Fd(), Signal.SIGKILL);
    }

    public void Stop(TimeSpan time)
    {
        StoppedUntil = Stopwatch.GetTimestamp() + (time.Ticks * 100);
        Pidfd.pidfd_send_signal(_pidfd.Fd(), Signal.SIGSTOP);
    }

    public void Continue()
    {
        Pidfd.pidfd_send_signal(_pidfd.Fd(), Signal.SIGCONT);
        StoppedUntil = 0;
    }

    public void AskToLeave()
    {
        AskedToLeaveAt = Stopwatch.GetTimestamp();
        _ = SayAsync(Worker.CloseCommand);
    }

    public void AskToFinish() => _ = SayAsync(Worker.FinishCommand);

    /// <summary>After its end: null if it ended as it should, or what it said.</summary>
    public async Task<string?> ComplaintAsync()
    {
        string said = (await _process.Error).Trim(); // Ends with the process.
        await _process.WaitForExitAsync();
        if (KilledAt != 0 || _process.ExitCode == 0)
            return null;
        return $"life {Number} (process {_process.Pid}) ended by itself with exit code {_process.ExitCode}. {said}";
    }

    /// <summary>How many of its threads were receiving when it was killed.</summary>
    public int ReceivesUnderWay => Enumerable.Range(0, Journal.SlotCount)
        .Count(i => Slot.OperationOf(Journal.SlotAt(i).Word) is Operation.Receive or Operation.ReceiveInto);

    /// <summary>The messages that its threads were receiving into memory when it was killed: completed, or only copied so far.</summary>
    public List<ulong> TakesUnderWay(long seed)
    {
        List<ulong> messages = [];
        for (int i = 0; i < Journal.SlotCount; i++)
        {
            if (Slot.OperationOf(Journal.SlotAt(i).Word) == Operation.ReceiveInto)
                messages.AddRange(MessageContent.NumbersIn(Journal.PlaceAt(i), (ulong)seed));
        }

        return messages;
    }

    public void Dispose()
    {
        _process.Dispose();
        _pidfd.Dispose();
        Participant?.Dispose();
        Journal.Dispose();
    }

    private async Task SayAsync(string command)
    {
        try
        {
            await _process.SayAsync(command, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It ended in between.
        }
    }
}

/// <summary>One operation of a worker, while it could go on: what <see cref="StallWatch"/> remembers of it.</summary>
internal sealed class SlotWait
{
    public long Word { get; set; }

    /// <summary>Since when nothing but the queue keeps it; 0 = something does.</summary>
    public long Since { get; set; }

    /// <summary>How late the worker had been by then.</summary>
    public long Late { get; set; }

    /// <summary>The same of the conductor.</summary>
    public long ConductorLate { get; set; }

    /// <summary>The thread's time in line for a processor, taken when the wait had become worth a look; -1 before.</summary>
    public long QueuedForProcessor { get; set; } = -1;
}

using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>The course of a row.</summary>
internal sealed partial class CrashRow
{
    private static readonly TimeSpan s_stopped = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_watched = TimeSpan.FromMilliseconds(400);

    private async Task Run(CrashOutcome outcome)
    {
        await Sender.Do(RowLine("") + "; control");
        await Receiver.Do(RowLine(scenario.ReceiverOptions) + "; control");
        if (!scenario.Alone)
            await BeginWork();
        _victim = slot.TakeVictim();
        if (scenario.SenderBefore.Length > 0)
            await Sender.Do(scenario.SenderBefore);
        string index = await Victim.Do($"{RowLine(scenario.VictimOptions)} aloud; {scenario.Before}");
        VictimIndex = int.TryParse(index, out int i) ? i : 0;
        await scenario.Prepare(this);
        await BeQuiet();
        await Victim.Do(hit == Hit.None ? "record" : $"arm {(hit == Hit.Kill ? "kill" : "stop")} {step} 1");

        Task sending = Task.CompletedTask;
        Task taking = Task.CompletedTask;
        if (scenario.Alone)
        {
            // Both at once, as soon as it happens.
            sending = Sender.Do("at-crash; open; beats on", s_bound);
            taking = Receiver.Do("at-crash; open; take on", s_bound);
        }

        Task<string> operation = scenario.Do.Length == 0 ? Task.FromResult("") : Victim.Do(scenario.Do, s_bound);
        Task during = scenario.During(this);
        await AwaitHit(operation, during, outcome);
        Task joining = Task.WhenAll(sending, taking);
        if (hit == Hit.Kill)
            await Observe(operation, during, joining);
        else
            await GoOn(operation, during, joining);
        slot.PrepareVictim();
        foreach (CrashProcess other in _others.Where(o => !o.HasEnded))
        {
            await other.Do("close");
            other.Kill();
        }

        await Settle(outcome);
    }

    private async Task BeginWork()
    {
        SenderIndex = int.Parse(await Sender.Do("open"));
        ReceiverIndex = int.Parse(await Receiver.Do("open"));
        await Sender.Do("beats on");
        await Receiver.Do("take on");
        ulong some = Ring.Head + 3;
        await Until(() => Volatile.Read(ref Ring.Head) >= some, "the survivors are at work");
        await Sender.Do("beats off");
        await UntilEmpty();
        if (scenario.ReceiverWaits)
            await Receiver.Do("take off");
    }

    /// <summary>The survivors go on by themselves from the crash on; until then the victim alone makes steps.</summary>
    private async Task BeQuiet()
    {
        if (scenario.Alone)
            return;
        await Sender.Do(scenario.SenderTakes ? "beats at-crash; take at-crash" : "beats at-crash");
        if (scenario.ReceiverWaits && !scenario.ReceiverIsBack)
            await Receiver.Do("take at-crash");
        else
            await Until(() => IsAsleep(WaitKind.Receive, ReceiverIndex), "the surviving receiver sleeps");
    }

    private async Task AwaitHit(Task<string> operation, Task during, CrashOutcome outcome)
    {
        if (hit == Hit.None)
        {
            await operation.WaitAsync(s_bound);
            await during.WaitAsync(s_bound);
            await Task.Delay(20);
            outcome.Steps = [.. (await Victim.Do("recorded")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => s.Split(':')[0])];
            slot.At = TestProcess.CrashBoard.Now;
            return;
        }

        Task both = Task.WhenAll(operation, during);
        await Until(() => HasCrashed || both.IsCompleted, $"{step} is reached");
        if (!HasCrashed)
        {
            // What the operation began in the background may take a little longer.
            outcome.WasNotReached = both.IsFaulted;
            await both;
            await Task.WhenAny(Until(() => HasCrashed, $"{step} is reached"), Task.Delay(s_stopped));
        }

        if (!HasCrashed)
        {
            outcome.WasNotReached = true;
            throw new InvalidOperationException($"The operation ended without reaching {step}.");
        }
    }

    private async Task Observe(Task operation, Task during, Task joining)
    {
        Victim.Reap();
        foreach (Task task in new[] { operation, during })
        {
            try
            {
                await task;
            }
            catch (InvalidOperationException)
            {
                // The victim ended on the way, as it was to.
            }
        }

        await joining;
        await WaitUntil(slot.At, s_watched);
    }

    private async Task GoOn(Task<string> operation, Task during, Task joining)
    {
        if (hit == Hit.Stop)
        {
            await WaitUntil(slot.At, s_stopped);
            if (!Victim.IsStopped)
                throw new InvalidOperationException("The victim does not stand still.");
            Victim.Continue();
        }

        await operation;
        await during;
        await joining;
        if (scenario.After.Length > 0)
            await Victim.Do(scenario.After);
        if (!scenario.EndsHandle)
        {
            await Victim.Do("whole-arena");
            await Until(() => Ring.Head == Ring.Tail, "the victim's last message is taken");
            string pins = await Victim.Do("pins");
            if (pins is not "0 0")
                throw new InvalidOperationException($"The victim holds pins or waits in the end: {pins}.");
            await Victim.Do("close");
        }

    }

    private static async Task WaitUntil(long from, TimeSpan after)
    {
        TimeSpan left = after - TimeSpan.FromMilliseconds((TestProcess.CrashBoard.Now - from) / 1e6);
        if (left > TimeSpan.Zero)
            await Task.Delay(left);
    }
}

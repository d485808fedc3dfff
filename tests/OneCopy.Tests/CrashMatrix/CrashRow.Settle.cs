namespace OneCopy.Tests.CrashMatrix;

/// <summary>The end of a row: the account, and what is left behind.</summary>
internal sealed partial class CrashRow
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(5);

    private async Task Settle(CrashOutcome outcome)
    {
        await Sender.Do("beats off");
        long end = TestProcess.CrashBoard.Now;
        if (scenario.ReceiverAfter.Length > 0)
            await Receiver.Do(scenario.ReceiverAfter);
        await UntilEmpty();
        double joined = double.Parse(await Sender.Do("join-once"));
        if (hit == Hit.Kill)
            CrashLedger.Note(outcome, (long)(joined * 1e6), "one more had to wait so long to join");
        await UntilStatistics(static s => s[2] == 2, "only the survivors take part");
        await Sender.Do("whole-arena");
        await UntilEmpty();
        bool hasDeadLetters = Directory.Exists(DirectoryPath + ".dead");
        if (hasDeadLetters)
            await Sender.Do("take-dead");
        string pins = await Sender.Do("pins");
        if (pins is not "0 0")
            outcome.Failures.Add($"The sender holds pins or waits in the end: {pins}.");

        await Receiver.Do("take off");
        await Sender.Do("take off");
        outcome.MachineDelay = Math.Max(double.Parse(await Sender.Do("control")), double.Parse(await Receiver.Do("control")));
        _ledger.Add(CrashSlot.SenderNumber, (await Sender.Do("report")).Split(' '));
        _ledger.Add(CrashSlot.ReceiverNumber, (await Receiver.Do("report")).Split(' '));
        _ledger.Add(CrashSlot.VictimNumber, Victim.Events);
        foreach (CrashProcess other in _others)
            _ledger.Add(0, other.Events);
        _ledger.Judge(scenario, hit, slot.At, end, outcome);

        await Receiver.Do("close");
        await Sender.Do("close");
        if (Directory.GetFiles(DirectoryPath) is not [var ring] || Path.GetFileName(ring) is not "ring")
            outcome.Failures.Add($"Files are left: {string.Join(' ', Directory.GetFiles(DirectoryPath).Select(Path.GetFileName))}.");
        await Sender.Do("delete");
        if (hasDeadLetters)
            await Sender.Do($"delete {Queue}.dead");
        if (Directory.EnumerateFileSystemEntries(_root).Any())
            outcome.Failures.Add($"After deleting, there is {string.Join(' ', Directory.EnumerateFileSystemEntries(_root, "*", SearchOption.AllDirectories))}.");
    }

    private Task UntilEmpty() => UntilStatistics(static s => s[0] == 0 && s[1] == 0, "no message is queued or held");

    private async Task UntilStatistics(Func<long[], bool> condition, string what)
    {
        long start = TestProcess.CrashBoard.Now;
        while (true)
        {
            string said = await Sender.Do("statistics");
            if (condition([.. said.Split(' ').Select(long.Parse)]))
                return;
            if (TestProcess.CrashBoard.Now - start > s_soon.TotalNanoseconds)
                throw new TimeoutException($"Not within {s_soon}: {what}. Queued, held, participants, lost, withdrawn: {said}.");
            await Task.Delay(5);
        }
    }
}

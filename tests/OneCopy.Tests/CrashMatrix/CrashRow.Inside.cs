using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>The inside of a row's queue, as seen by this process, which is no participant; and states brought about by hand that take a race otherwise.</summary>
internal sealed partial class CrashRow
{
    private readonly Dictionary<long, Participant> _files = [];

    public IReadOnlyList<CrashProcess> Others => _others;

    public ulong Head => Volatile.Read(ref Ring.Head);

    public ulong Tail => Volatile.Read(ref Ring.Tail);

    public bool IsAsleep(WaitKind kind, int index) => Ring.Sleepers(kind).Next(index) == index;

    /// <summary>Whether the victim has come to where it needs the others: it sleeps, or met a full ring.</summary>
    public bool VictimSleeps => slot.Sleeps > 0;

    /// <summary>Whether somebody waits at a step until it may go on (<see cref="LetGo"/>).</summary>
    public bool SomebodyWaits => slot.SomebodyWaits;

    /// <summary>Whether a participant waits for something of its own.</summary>
    public bool OwnIsAsleep(int index) => File(index) is { } file && Volatile.Read(ref file.OwnSleeping) != 0;

    /// <summary>Whether a piece of what it has posted was taken by the message's sender, and done with.</summary>
    public bool PieceIsMarked(int index)
    {
        for (int piece = 0; File(index) is { } file && piece < PostingLayout.MaxPieces; piece++)
        {
            if (file.MarkOf(0, piece, out _) != PieceMark.Open)
                return true;
        }

        return false;
    }

    public bool IsDead(int index) => Entries.IsDead(Volatile.Read(ref Ring.Entry(index)));

    public bool IsGone(int index) => Volatile.Read(ref Ring.Entry(index)) == 0;

    /// <summary>The survivors notice no death before the crash: the victim is first.</summary>
    public async Task RecoverLate()
    {
        await Sender.Do("recover-late on");
        await Receiver.Do("recover-late on");
    }

    /// <summary>
    /// The survivors see to a death before the crash, and the victim does not: it would still be ringing everybody, for a recovery that has rows of its own, when its steps begin to count.
    /// </summary>
    public Task LeaveDeathToOthers() => Victim.Do("recover-late on");

    /// <summary>What a receiver leaves that is killed when it has completed the last message of a dead sender, and done nothing more.</summary>
    public void CompleteUnnoticed(int owner, string message)
    {
        Participant file = File(owner)!;
        for (int block = 0; block < file.BlockCount; block++)
        {
            BlockState s = file.State(block);
            if (s.Phase == Phase.Queued && !file.TryChange(block, s, s.To(Phase.Done, ReceiverIndex)))
                throw new InvalidOperationException($"{message} is not queued any more.");
        }

        _ledger.Add(0, [$"completed|{message}"]);
    }

    private Participant? File(int index)
    {
        long entry = Volatile.Read(ref Ring.Entry(index));
        if (entry == 0)
            return null;
        long incarnation = Entries.IncarnationOf(entry);
        if (!_files.TryGetValue(incarnation, out Participant? file) && Participant.Attach(QueueDirectory, Ring, index, incarnation) is { } attached)
            _files[incarnation] = file = attached;
        return file;
    }
}

using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>The four futex words by which a participant is told that something happened.</summary>
internal sealed unsafe partial class Participant
{
    public uint* Doorbell(WaitKind kind) => (uint*)(_base + (kind switch
    {
        WaitKind.Receive => ParticipantLayout.ReceiveDoorbellOffset,
        WaitKind.Space => ParticipantLayout.SpaceDoorbellOffset,
        _ => ParticipantLayout.OwnDoorbellOffset,
    }));

    /// <summary>
    /// How often a sleeper of this kind has begun a look: in the doorbell's line, which is written when somebody sleeps or is woken, and not otherwise.
    /// </summary>
    public uint* Looks(WaitKind kind) => kind == WaitKind.Own ? (uint*)(_base + ParticipantLayout.OwnLooksOffset) : Doorbell(kind) + 1;

    /// <summary><see cref="ParticipantLayout.RingerProcessorOffset"/>.</summary>
    public ref int RingerProcessor => ref *(int*)(_base + ParticipantLayout.RingerProcessorOffset);

    public uint* Attention => (uint*)(_base + ParticipantLayout.AttentionDoorbellOffset);

    /// <summary>
    /// Wakes a sleeper of this kind: one of those who wait for a message, which are all alike, and all of the other kinds, who
    /// each wait for something of their own.
    /// </summary>
    public void Ring(WaitKind kind, bool everybody = false)
    {
        uint* word = Doorbell(kind);
        CrashPoint.At(Step.WakeBell);
        Interlocked.Increment(ref *word);
        CrashPoint.At(Step.WakeFutex);
        Wake(word, kind, everybody);
    }

    /// <summary>As <see cref="Ring"/>, for one who was rung before, or in the place of one.</summary>
    public void RingOnceMore(WaitKind kind)
    {
        uint* word = Doorbell(kind);
        Interlocked.Increment(ref *word);
        Wake(word, kind, everybody: false);
    }

    /// <summary>Whether the end of this block's message is to be told. After the full fence of the change.</summary>
    public bool WaitsForEndOf(int block)
    {
        uint sleeping = Volatile.Read(ref OwnSleeping);
        return sleeping != 0 && (sleeping == 1 || sleeping == (uint)block + 2);
    }

    private void Wake(uint* word, WaitKind kind, bool everybody)
    {
        Futex.Wake(word, kind == WaitKind.Receive && !everybody ? 1 : int.MaxValue);
        if (Volatile.Read(ref *WaitsOnAttentionAlone) != 0)
            RingAttention();
    }

    /// <summary>Somebody joined or died: this participant's process is to look at the table.</summary>
    public void RingAttention()
    {
        Interlocked.Increment(ref *Attention);
        Futex.Wake(Attention, int.MaxValue);
    }

    public void RingAll()
    {
        Ring(WaitKind.Receive, everybody: true);
        Ring(WaitKind.Space);
        Ring(WaitKind.Own);
        RingAttention();
    }

    /// <summary>
    /// Set by a process whose kernel has no futex_waitv(2): its thread for asynchronous waiters can sleep on one word only, so
    /// whoever rings another rings that one too.
    /// </summary>
    public uint* WaitsOnAttentionAlone => Attention + 1;
}

namespace OneCopy;

/// <summary>How a participant waits when there is nothing to do.</summary>
public enum WaitStrategy
{
    /// <summary>
    /// Looks again for some microseconds, then sleeps in the kernel. An idle participant uses no processor time. A receiver that keeps up with a fast stream looks away for 40 µs now and
    /// then, as long as more messages a second come by that: <see cref="Spin"/> never does. An asynchronous call looks again in its caller's thread, before it gives that back: for 10 to 50 µs
    /// where such calls have mostly found something by then, and one at a time for a handle.
    /// </summary>
    Adaptive,

    /// <summary>
    /// Never sleeps and never looks away: the lowest latency, and one processor kept busy for each waiting thread. Asynchronous calls wait as with <see cref="Adaptive"/>, and do not look away.
    /// </summary>
    Spin,

    /// <summary>Sleeps at once.</summary>
    Sleep,
}

/// <summary>
/// How a queue is made and joined. The first group is fixed by the process that makes the queue; those that join take its
/// values. The second group is each participant's own.
/// </summary>
public sealed record QueueOptions
{
    /// <summary>
    /// The directory that queues live in. Null (the default): the environment variable <c>ONECOPY_ROOT</c>, and without that
    /// <c>/dev/shm/onecopy-UID</c>, made with mode 0700; with <see cref="Access"/>, <see cref="QueueAccess.DefaultRoot"/>.
    /// </summary>
    public string? Root { get; init; }

    /// <summary>
    /// Made by the creator: who may take part. Null (the default): the creator's user alone; directory 0700, files 0600. Or the members of a group: 2770 and
    /// 0660, whatever the umask, also for the dead-letter queue. It needs a root that the group may enter. Who joins takes the queue as it is, and names it here only to
    /// find the group's default root.
    /// </summary>
    public QueueAccess? Access { get; init; }

    /// <summary>Made by the creator: references the ring can hold, a power of two from 64 to 16,777,216. Default 16,384.</summary>
    public int RingCapacity { get; init; } = 16384;

    /// <summary>
    /// Made by the creator: how many handles may be open at the same time, at most 1,023. Default 128. Closed handles whose messages
    /// still wait do not count here, but they and the open ones together are 1,023 at most.
    /// </summary>
    public int MaxParticipants { get; init; } = 128;

    /// <summary>
    /// Made by the creator: bytes of a block, a power of two from 128 to 65,536. A message whose payload and properties fit in
    /// what its record leaves (64 bytes less) is inline. Default 512.
    /// </summary>
    public int BlockSize { get; init; } = 512;

    /// <summary>
    /// Made by the creator: how often a message is handed out before it goes to the dead-letter queue, at most 65,535. Default 10.
    /// </summary>
    public int MaxDeliveryAttempts { get; init; } = 10;

    /// <summary>
    /// Made by the creator: how long messages may wait in the queue whose senders do not say it themselves
    /// (<see cref="SendOptions.TimeToLive"/>), more than 0. Null (the default): for ever.
    /// </summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>
    /// How many messages of this participant may be in the queue at the same time, at most 65,536. When they are used up, its
    /// sends wait. Default 1,024.
    /// </summary>
    public int Blocks { get; init; } = 1024;

    /// <summary>
    /// How many bytes the payloads of this participant may take in its arena. When they are used up, its sends wait. Memory is
    /// taken as it is needed, and given back when the handle is closed. Rounded up to 256 KiB. Default 1 GiB.
    /// </summary>
    public long ArenaLimit { get; init; } = 1L << 30;

    /// <summary>
    /// From how many bytes on <c>SendAsync</c> attaches instead of copying into the arena: below, copying twice is cheaper than a system call and pinning pages.
    /// Null (the default): where that was measured to change on this machine, between 8 and 128 KiB (<c>onecopy doctor</c> says where). It is measured once for a user, machine and kernel, in the
    /// background of the first process that asks, and 32 KiB holds until then and where it cannot be measured; the environment variable
    /// <c>ONECOPY_ATTACH_THRESHOLD</c> names another number. <see cref="long.MaxValue"/>: never.
    /// </summary>
    public long? AttachThreshold { get; init; }

    /// <summary>
    /// Whether payloads go straight between this participant's memory and others': as a sender and as a receiver. Default
    /// <see cref="AttachMode.Allowed"/>.
    /// </summary>
    public AttachMode Attach { get; init; }

    /// <summary>
    /// Where the Yama security module lets a process be reached by its ancestors alone (kernel.yama.ptrace_scope = 1), permits every process
    /// of this user to reach this one: prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY), see prctl(2). Not only queue participants: the setting has
    /// room for one process or for all, and it allows ptrace(2) as well. It holds for the whole process, beyond the handle. Without Yama it does
    /// nothing. Default false.
    /// </summary>
    public bool AllowPtracer { get; init; }

    /// <summary>
    /// Makes this process dumpable: prctl(PR_SET_DUMPABLE, 1), see prctl(2). A process that has changed its user after its start is not, so
    /// that others of its new user cannot read its memory. With it they can, by ptrace(2) too, and it leaves core dumps: not for a process
    /// that holds secrets of its former user. It holds for the whole process, beyond the handle. Default false.
    /// </summary>
    public bool SetDumpable { get; init; }

    /// <summary>How threads of this participant wait. Default <see cref="WaitStrategy.Adaptive"/>.</summary>
    public WaitStrategy WaitStrategy { get; init; }

    /// <summary>
    /// How many threads of this process copy one attached payload, from 1 MiB on: the one that called <c>CopyTo</c>, and others of the thread pool, 1 to 64. The sender's thread, where
    /// it helps, comes on top. More than one is worth it where processors are idle and one does not use up the memory's bandwidth; on two processors it is not. Default 1.
    /// </summary>
    public int CopyThreads { get; init; } = 1;

    /// <summary>
    /// Whether this handle may receive attached payloads that are arrays through a small buffer of its own: two ordinary copies, made at the same time by both processes, where that is found to be faster than one by the kernel
    /// (<see cref="QueueStatistics.Staged"/>). False: always one copy, which leaves more of the caches and of the memory's bandwidth to others. Default true; without effect with <see cref="CopyThreads"/> or
    /// <see cref="WaitStrategy.Sleep"/>.
    /// </summary>
    public bool Staging { get; init; } = true;

    /// <summary>
    /// Whether a thread that waits for a message, and finds that its sender was on the same processor, may be taken to another one: where other work keeps all of them busy, the scheduler leaves two that answer each other on one for long, and
    /// an answer takes 6 µs in place of 0.3. The thread's affinity (sched_setaffinity(2)) is changed for some 20 µs, and is as before then; a thread that is bound to one processor stays there, and so does one that may not change it (seccomp(2)). At most once
    /// in 200 µs, and less often where it does not last (<see cref="QueueStatistics.Migrations"/>). Who changes the affinity of the same thread meanwhile may find that undone. Default true; with
    /// <see cref="WaitStrategy.Adaptive"/> alone.
    /// </summary>
    public bool Migration { get; init; } = true;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(RingCapacity, Messaging.RingLayout.MinCapacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(RingCapacity, Messaging.RingLayout.MaxCapacity);
        ThrowIfNoPowerOfTwo(RingCapacity, nameof(RingCapacity), Messaging.RingLayout.MinCapacity, Messaging.RingLayout.MaxCapacity);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxParticipants, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxParticipants, Messaging.Cell.MaxParticipants);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlockSize, Messaging.BlockLayout.MinBlockSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BlockSize, Messaging.BlockLayout.MaxBlockSize);
        ThrowIfNoPowerOfTwo(BlockSize, nameof(BlockSize), Messaging.BlockLayout.MinBlockSize, Messaging.BlockLayout.MaxBlockSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDeliveryAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxDeliveryAttempts, ushort.MaxValue);
        SendOptions.CheckTimeToLive(TimeToLive);
        ArgumentOutOfRangeException.ThrowIfLessThan(Blocks, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Blocks, Messaging.Cell.MaxBlocks);
        ArgumentOutOfRangeException.ThrowIfLessThan(ArenaLimit, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ArenaLimit, 1L << 40);
        ArgumentOutOfRangeException.ThrowIfLessThan(AttachThreshold ?? 0, 0, nameof(AttachThreshold));
        ArgumentOutOfRangeException.ThrowIfLessThan(CopyThreads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CopyThreads, 64);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)Attach, (uint)AttachMode.Required, nameof(Attach));
    }

    /// <summary>What was asked for of the whole process, before the others see it.</summary>
    internal void ApplyToProcess()
    {
        // EINVAL: a kernel without Yama.
        if (AllowPtracer && Interop.Prctl.prctl(Interop.Prctl.PR_SET_PTRACER, Interop.Prctl.PR_SET_PTRACER_ANY) is { Succeeded: false, Errno: not Interop.Errno.EINVAL } refused)
            refused.OrThrow("prctl(PR_SET_PTRACER)");
        if (SetDumpable)
            Interop.Prctl.prctl(Interop.Prctl.PR_SET_DUMPABLE, 1).OrThrow("prctl(PR_SET_DUMPABLE)");
    }

    private static void ThrowIfNoPowerOfTwo(int value, string name, int least, int most)
    {
        if (!System.Numerics.BitOperations.IsPow2(value))
            throw new ArgumentOutOfRangeException(name, value, $"Must be a power of two from {least:N0} to {most:N0}.");
    }
}

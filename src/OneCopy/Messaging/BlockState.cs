namespace OneCopy.Messaging;

/// <summary>Where a block is in its life.</summary>
internal enum Phase
{
    Free = 0,
    Filling = 1,
    Queued = 2,
    Leased = 3,
    Done = 4,
}

/// <summary>
/// The word that a message's whole life is decided by: <c>{ generation:32, phase:4, actor:12, attempts:16 }</c>.
/// <c>Actor</c> is the participant that last changed it; recovery looks for it.
/// </summary>
internal readonly record struct BlockState(ulong Bits)
{
    public BlockState(uint generation, Phase phase, int actor, int attempts)
        : this(((ulong)generation << 32) | ((ulong)(uint)phase << 28) | ((ulong)(uint)actor << 16) | (ushort)attempts)
    {
    }

    public uint Generation => (uint)(Bits >> 32);

    public Phase Phase => (Phase)((Bits >> 28) & 0xf);

    public int Actor => (int)((Bits >> 16) & 0xfff);

    public int Attempts => (ushort)Bits;

    /// <summary>The same message in another phase, changed by <paramref name="actor"/>.</summary>
    public BlockState To(Phase phase, int actor) => new(Generation, phase, actor, Attempts);

    /// <summary>Queued once more; attempts stay at their highest value rather than wrap.</summary>
    public BlockState ToRequeued(int actor, bool countAttempt) =>
        new(Generation, Phase.Queued, actor, countAttempt ? Math.Min(Attempts + 1, ushort.MaxValue) : Attempts);

    /// <summary>Whether a reference with these generation bits means the message that is queued here now.</summary>
    public bool IsQueuedAs(uint referenceGeneration) =>
        Phase == Phase.Queued && (Generation & Cell.GenerationMask) == referenceGeneration;
}

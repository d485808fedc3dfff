namespace OneCopy.Messaging;

/// <summary>
/// What a participant was refused, in its file so that others can show it. Written by its own process alone, under a lock of that process;
/// those who read it at the same time may see a mixture of two entries, which is harmless: it is shown and nothing else.
/// </summary>
internal static unsafe class RefusalTable
{
    public const int Length = 16;
    private const int EntrySize = 16;

    /// <summary>One peer, one direction, one errno: counted in one entry.</summary>
    public readonly record struct Entry(int Peer, int PeerPid, CopyDirection Direction, int Errno, AccessDenialReason Reason, uint Count)
    {
        public ulong Key => (ulong)(uint)Peer << 32 | (ulong)(byte)Errno << 16 | (ulong)(byte)Reason << 8 | (byte)((int)Direction + 1);
    }

    /// <summary>Counts one more. The table is full: in place of the one that is rarest.</summary>
    public static void Add(byte* table, in Entry refusal)
    {
        int place = 0;
        uint least = uint.MaxValue;
        for (int i = 0; i < Length; i++)
        {
            (ulong key, uint pid, uint count) = Read(table, i);
            if (key == refusal.Key && pid == (uint)refusal.PeerPid)
            {
                Volatile.Write(ref ((uint*)(table + (i * EntrySize)))[3], count == uint.MaxValue ? count : count + 1);
                return;
            }

            if (count < least)
                (place, least) = (i, count);
        }

        byte* p = table + (place * EntrySize);
        *(uint*)(p + 8) = (uint)refusal.PeerPid;
        *(uint*)(p + 12) = 1;
        Volatile.Write(ref *(ulong*)p, refusal.Key);
    }

    /// <summary>What is in it and can be.</summary>
    public static IReadOnlyList<Entry> All(byte* table)
    {
        List<Entry> all = [];
        for (int i = 0; i < Length; i++)
        {
            (ulong key, uint pid, uint count) = Read(table, i);
            int direction = (int)(key & 0xff) - 1;
            AccessDenialReason reason = (AccessDenialReason)(byte)(key >> 8);
            ulong peer = key >> 32;
            if (direction is >= 0 and <= (int)CopyDirection.Push && reason <= AccessDenialReason.Unknown && peer <= Cell.MaxParticipants)
                all.Add(new Entry((int)peer, (int)pid, (CopyDirection)direction, (byte)(key >> 16), reason, count));
        }

        return all;
    }

    private static (ulong Key, uint Pid, uint Count) Read(byte* table, int i)
    {
        byte* p = table + (i * EntrySize);
        return (Volatile.Read(ref *(ulong*)p), *(uint*)(p + 8), Volatile.Read(ref *(uint*)(p + 12)));
    }
}

namespace OneCopy.Memory;

/// <summary>The buffers of this process's pools that others may map, by their addresses: whether a payload lies in one.</summary>
internal static unsafe class SharedBuffers
{
    private static readonly MonitorLock s_gate = new();

    // By address; replaced as a whole, so that it is searched without the lock.
    private static PoolMapping[] s_all = [];

    public static void Add(PoolMapping mapping)
    {
        lock (s_gate)
        {
            PoolMapping[] now = s_all;
            int at = ~IndexOf(now, (nuint)mapping.Address);
            Volatile.Write(ref s_all, [.. now.AsSpan(0, at), mapping, .. now.AsSpan(at)]);
        }
    }

    public static void Remove(PoolMapping mapping)
    {
        lock (s_gate)
        {
            PoolMapping[] now = s_all;
            int at = IndexOf(now, (nuint)mapping.Address);
            Volatile.Write(ref s_all, [.. now.AsSpan(0, at), .. now.AsSpan(at + 1)]);
        }
    }

    /// <summary>The buffer that all of these bytes lie in, pinned; to be unpinned. Null: they lie elsewhere, or their buffer was given back.</summary>
    public static PoolMapping? TryPin(void* address, ulong length, out uint generation)
    {
        PoolMapping[] all = Volatile.Read(ref s_all);
        int at = IndexOf(all, (nuint)address);
        at = at < 0 ? ~at - 1 : at;
        generation = 0;
        if (at < 0)
            return null;
        PoolMapping mapping = all[at];
        ulong offset = (nuint)address - (nuint)mapping.Address;
        return offset < (ulong)mapping.Capacity && length <= (ulong)mapping.Capacity - offset && mapping.TryPin(out generation) ? mapping : null;
    }

    private static int IndexOf(PoolMapping[] all, nuint address)
    {
        int low = 0;
        for (int high = all.Length - 1; low <= high;)
        {
            int middle = (low + high) >>> 1;
            nuint there = (nuint)all[middle].Address;
            if (there == address)
                return middle;
            (low, high) = there < address ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}

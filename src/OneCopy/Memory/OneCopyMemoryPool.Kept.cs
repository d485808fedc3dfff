using OneCopy.Memory;

namespace OneCopy;

/// <summary>What is kept: a list for each size class, the newest first, for its memory is the warmest.</summary>
public sealed partial class OneCopyMemoryPool
{
    private readonly MonitorLock _gate = new();
    private readonly PoolMapping?[] _newest = new PoolMapping?[SizeClass.Count];
    private readonly PoolMapping?[] _oldest = new PoolMapping?[SizeClass.Count];
    private long _serial;
    private long _rentedBytes;
    private long _keptBytes;
    private long _hugeBytes;
    private long _reused;
    private long _mapped;
    private int _rentedBuffers;
    private int _keptBuffers;

    /// <summary>What the pool holds now, and what it has done.</summary>
    public OneCopyMemoryPoolStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                return new OneCopyMemoryPoolStatistics
                {
                    RentedBytes = _rentedBytes,
                    RentedBuffers = _rentedBuffers,
                    KeptBytes = _keptBytes,
                    KeptBuffers = _keptBuffers,
                    HugePageBytes = _hugeBytes,
                    Mapped = _mapped,
                    Reused = _reused,
                };
            }
        }
    }

    /// <summary>A rental is over: disposed, and no pin left.</summary>
    internal void Release(PoolMapping mapping)
    {
        PoolMapping? evicted = null;
        lock (_gate)
        {
            _rentedBytes -= mapping.Capacity;
            _rentedBuffers--;
            if (_disposed || mapping.Capacity > _options.MaxKeptBytes || mapping.IsWornOut)
            {
                Forget(mapping, ref evicted);
            }
            else
            {
                // Those that nobody has asked for the longest make room.
                while (_keptBytes > _options.MaxKeptBytes - mapping.Capacity)
                    Forget(TakeOldest(), ref evicted);
                Keep(mapping);
            }
        }

        Unmap(evicted);
    }

    // Outside of the lock: giving back many pages takes its time.
    private static void Unmap(PoolMapping? first)
    {
        for (PoolMapping? mapping = first; mapping is not null; mapping = mapping.Older)
            mapping.Unmap();
    }

    private void Forget(PoolMapping mapping, ref PoolMapping? list)
    {
        _hugeBytes -= mapping.IsHuge ? mapping.Capacity : 0;
        mapping.Older = list;
        list = mapping;
    }

    private void Keep(PoolMapping mapping)
    {
        int index = mapping.ClassIndex;
        mapping.Serial = ++_serial;
        mapping.Newer = null;
        mapping.Older = _newest[index];
        if (mapping.Older is { } older)
            older.Newer = mapping;
        else
            _oldest[index] = mapping;
        _newest[index] = mapping;
        _keptBytes += mapping.Capacity;
        _keptBuffers++;
    }

    private PoolMapping? TakeKept(int index)
    {
        PoolMapping? newest = _newest[index];
        if (newest is not null)
            Unlink(newest);
        return newest;
    }

    /// <summary>Of all classes. Few are used, and what is evicted is unmapped, which costs more than this look.</summary>
    private PoolMapping TakeOldest()
    {
        PoolMapping? oldest = null;
        foreach (PoolMapping? candidate in _oldest)
        {
            if (candidate is not null && (oldest is null || candidate.Serial < oldest.Serial))
                oldest = candidate;
        }

        Unlink(oldest!);
        return oldest!;
    }

    private PoolMapping? TakeAllKept()
    {
        PoolMapping? all = null;
        for (int index = 0; index < _newest.Length; index++)
        {
            while (TakeKept(index) is { } mapping)
                Forget(mapping, ref all);
        }

        return all;
    }

    private void Unlink(PoolMapping mapping)
    {
        if (mapping.Newer is { } newer)
            newer.Older = mapping.Older;
        else
            _newest[mapping.ClassIndex] = mapping.Older;
        if (mapping.Older is { } older)
            older.Newer = mapping.Newer;
        else
            _oldest[mapping.ClassIndex] = mapping.Newer;
        mapping.Newer = mapping.Older = null;
        _keptBytes -= mapping.Capacity;
        _keptBuffers--;
    }
}

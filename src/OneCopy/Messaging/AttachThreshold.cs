using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>Where a threshold that nobody set comes from.</summary>
internal enum ThresholdSource
{
    /// <summary>Not measured yet, or not measurable here.</summary>
    Default,

    /// <summary>The environment variable.</summary>
    Environment,

    /// <summary>Measured before, by a process of this user on this machine and kernel.</summary>
    Cache,

    /// <summary>Measured by this process.</summary>
    Measured,
}

/// <summary>
/// From which length on a payload is attached where <see cref="QueueOptions.AttachThreshold"/> does not say it. The first payload for which it matters has the file of earlier
/// measurements read; where there is none, a thread measures in the background, for some milliseconds, and the default holds until then. Safe for all threads.
/// </summary>
internal sealed class AttachThreshold(ThresholdCache cache, Func<LaneCost[]?> measure)
{
    /// <summary>Bytes. Shorter payloads are copied, whatever is measured.</summary>
    public const int Least = 8 << 10;

    /// <summary>Bytes. As long ones are attached, whatever is measured.</summary>
    public const int Most = 128 << 10;

    /// <summary>Bytes of a payload in a pool's buffer that is waited for in any case: attached, it is copied once by an ordinary copy, and twice otherwise.</summary>
    public const int InBuffer = Memory.PoolMapping.SharedFrom;

    /// <summary>Bytes, until something else is known.</summary>
    public const int Default = 32 << 10;

    /// <summary>Names a number of bytes for all queues of a process that say nothing themselves.</summary>
    public const string Variable = "ONECOPY_ATTACH_THRESHOLD";

    private static readonly Lazy<AttachThreshold> s_shared = new(static () => new AttachThreshold(ThresholdCache.OfUser(), LaneCosts.Measure));

    private readonly MonitorLock _gate = new();
    private long _bytes; // 0: not asked for yet.

    /// <summary>Of this process.</summary>
    public static AttachThreshold Shared => s_shared.Value;

    /// <summary>Where <see cref="Bytes"/> is from.</summary>
    public ThresholdSource Source { get; private set; }

    /// <summary>What was measured; null: nothing, or it is not known any more.</summary>
    public LaneCost[]? Costs { get; private set; }

    /// <summary>Whether a payload of this length is long enough.</summary>
    public static bool IsReached(long length, long? asked) => asked is { } bytes ? length >= bytes
        : length >= Least && (FromEnvironment() is { } named ? length >= named : length >= Most || length >= Shared.Bytes);

    /// <summary>The same for one that lies in a pool's buffer, if its sender waits until it is completed either way.</summary>
    public static bool IsReachedInBuffer(long length, long? asked) => asked is null && length >= InBuffer && FromEnvironment() is null;

    /// <summary>The threshold as it is known now; never waits for a measurement.</summary>
    public long Bytes
    {
        get
        {
            long bytes = Volatile.Read(ref _bytes);
            return bytes != 0 ? bytes : Begin();
        }
    }

    /// <summary>Measures in the calling thread, and keeps what it finds. False: it cannot be measured here, and stays as it was.</summary>
    public bool Calibrate()
    {
        if (measure() is not { } costs)
            return false;
        cache.TryWrite(costs);
        Take(costs, ThresholdSource.Measured);
        return true;
    }

    /// <summary>The environment's value; null: none, or not a number.</summary>
    public static long? FromEnvironment() => s_named.Value;

    private static readonly Lazy<long?> s_named = new(static () =>
        long.TryParse(System.Environment.GetEnvironmentVariable(Variable), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long bytes) ? bytes : null);

    private long Begin()
    {
        lock (_gate)
        {
            if (_bytes != 0)
                return _bytes;
            if (cache.TryRead() is { } costs)
            {
                Take(costs, ThresholdSource.Cache);
                return _bytes;
            }

            Volatile.Write(ref _bytes, Default);
            new Thread(() => Calibrate()) { IsBackground = true, Name = "OneCopy calibration" }.Start();
            return Default;
        }
    }

    private void Take(LaneCost[] costs, ThresholdSource source)
    {
        lock (_gate)
        {
            Costs = costs;
            Source = source;
            Volatile.Write(ref _bytes, LaneCosts.Crossover(costs));
        }
    }
}

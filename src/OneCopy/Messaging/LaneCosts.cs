using System.Diagnostics;
using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>What a payload of one length costs either way, in nanoseconds: copied into shared memory and out of it, or pulled with one call.</summary>
internal readonly record struct LaneCost(int Bytes, int TwoCopies, int OnePull);

/// <summary>
/// Measures from which length on one copy with a system call beats two without. A second thread stands for the sender: it writes the payload each time anew, so that the bytes come from another
/// processor's cache as they do between processes. Both ways count from the finished payload to its last byte in the receiver's memory, and no wake-ups. Some milliseconds; on a machine that is too busy for
/// two threads to meet, it is given up.
/// </summary>
internal sealed unsafe class LaneCosts : IDisposable
{
    /// <summary>The lengths that are measured.</summary>
    public static readonly int[] Lengths = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10];

    private const int Turns = 32;
    private const int Page = 4096;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly nuint _length = (nuint)Lengths[^1];
    private readonly byte* _source;
    private readonly byte* _target;
    private readonly byte* _shared;
    private readonly long _end = Stopwatch.GetTimestamp() + (long)(s_patience.TotalSeconds * Stopwatch.Frequency);
    private readonly Thread _sender;

    // The turn: even: the receiver's; odd: the sender's. What it is to do, and how long its copy took, is written before the turn is given.
    private long _turn;
    private int _bytes;
    private bool _copies;
    private long _sendersTicks;

    private LaneCosts(byte* shared)
    {
        _shared = shared;
        _source = (byte*)NativeMemory.AlignedAlloc(_length, Page);
        _target = (byte*)NativeMemory.AlignedAlloc(_length, Page);
        new Span<byte>(_target, (int)_length).Fill(2);
        new Span<byte>(_shared, (int)_length).Fill(3);
        _sender = new Thread(Send) { IsBackground = true, Name = "OneCopy calibration" };
        _sender.Start();
    }

    /// <summary>Null: a call that is needed is denied here, or the machine is too busy.</summary>
    public static LaneCost[]? Measure()
    {
        // Not even begun where it is denied.
        if (ProcessVmProbe.IsBlocked(out _))
            return null;
        SysResult shared = Mman.mmap(0, (nuint)Lengths[^1], Prot.Read | Prot.Write, Map.Shared | Map.Anonymous, -1, 0);
        if (!shared.Succeeded)
            return null;
        using LaneCosts costs = new((byte*)shared.Value);
        return costs.MeasureAll();
    }

    /// <summary>The shortest length from which on pulling is never dearer; within the limits that a measurement may move it.</summary>
    public static int Crossover(ReadOnlySpan<LaneCost> costs)
    {
        int found = AttachThreshold.Most;
        for (int i = costs.Length - 1; i >= 0 && costs[i].OnePull <= costs[i].TwoCopies; i--)
            found = costs[i].Bytes;
        return Math.Clamp(found, AttachThreshold.Least, AttachThreshold.Most);
    }

    public void Dispose()
    {
        Volatile.Write(ref _turn, -1);
        _sender.Join();
        NativeMemory.AlignedFree(_source);
        NativeMemory.AlignedFree(_target);
        Mman.munmap((nint)_shared, _length);
    }

    private LaneCost[]? MeasureAll()
    {
        LaneCost[] costs = new LaneCost[Lengths.Length];
        long[] copies = new long[Turns];
        long[] pulls = new long[Turns];
        for (int i = 0; i < costs.Length; i++)
        {
            for (int turn = 0; turn < Turns; turn++)
            {
                if (!TryTime(Lengths[i], copies: true, out copies[turn]) || !TryTime(Lengths[i], copies: false, out pulls[turn]))
                    return null;
            }

            costs[i] = new LaneCost(Lengths[i], Quartile(copies), Quartile(pulls));
        }

        return costs;
    }

    // Others' work only ever makes a turn longer.
    private static int Quartile(long[] ticks)
    {
        Array.Sort(ticks);
        return (int)Math.Clamp(ticks[Turns / 4] * 1e9 / Stopwatch.Frequency, 1, int.MaxValue);
    }

    private bool TryTime(int bytes, bool copies, out long ticks)
    {
        ticks = 0;
        _bytes = bytes;
        _copies = copies;
        long turn = _turn + 1;
        Volatile.Write(ref _turn, turn); // Release: what is to be done is written before.
        SpinWait spin = default;
        while (Volatile.Read(ref _turn) == turn)
        {
            if (Stopwatch.GetTimestamp() > _end)
                return false;
            spin.SpinOnce(sleep1Threshold: -1);
        }

        long start = Stopwatch.GetTimestamp();
        bool succeeded = true;
        if (copies)
            VectorCopy.Copy(_shared, _target, bytes);
        else
            succeeded = Pull(bytes);
        ticks = Stopwatch.GetTimestamp() - start + _sendersTicks;
        return succeeded;
    }

    private void Send()
    {
        long turn = 1;
        while (true)
        {
            SpinWait spin = default;
            long now;
            while ((now = Volatile.Read(ref _turn)) != turn)
            {
                if (now < 0)
                    return;
                spin.SpinOnce(sleep1Threshold: -1);
            }

            new Span<byte>(_source, _bytes).Fill((byte)turn);
            _sendersTicks = 0;
            if (_copies)
            {
                long start = Stopwatch.GetTimestamp();
                VectorCopy.Copy(_source, _shared, _bytes);
                _sendersTicks = Stopwatch.GetTimestamp() - start;
            }

            // Not if the receiver has given up meanwhile.
            Interlocked.CompareExchange(ref _turn, turn + 1, turn);
            turn += 2;
        }
    }

    /// <summary>As a receiver does it: the payload, and 16 bytes that prove whose memory it is, in one call.</summary>
    private bool Pull(int bytes)
    {
        byte* nonce = stackalloc byte[32];
        iovec* local = stackalloc iovec[2];
        iovec* remote = stackalloc iovec[2];
        local[0] = new iovec((nuint)nonce, 16);
        local[1] = new iovec((nuint)_target, (nuint)bytes);
        remote[0] = new iovec((nuint)(nonce + 16), 16);
        remote[1] = new iovec((nuint)_source, (nuint)bytes);
        return Uio.process_vm_readv(Environment.ProcessId, local, 2, remote, 2).Value == bytes + 16;
    }
}

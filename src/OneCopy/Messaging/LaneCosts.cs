using System.Diagnostics;
using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>What a payload of one length costs either way, in nanoseconds: copied into shared memory and out of it, or pulled with one call.</summary>
internal readonly record struct LaneCost(int Bytes, int TwoCopies, int OnePull);

/// <summary>
/// Measures from which length on one copy with a system call beats two without: by this thread alone, with all memory warm, which is what both lanes are made of. A few milliseconds.
/// The shortest of many turns counts, as others' work only ever makes a turn longer.
/// </summary>
internal static unsafe class LaneCosts
{
    /// <summary>The lengths that are measured.</summary>
    public static readonly int[] Lengths = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10];

    private const int Turns = 24;

    // A turn takes some microseconds at least, so that the clock's own time is none of it.
    private const int BytesPerTurn = 128 << 10;

    /// <summary>Null: a call that is needed is denied here.</summary>
    public static LaneCost[]? Measure()
    {
        nuint length = (nuint)Lengths[^1];
        SysResult shared = Mman.mmap(0, length, Prot.Read | Prot.Write, Map.Shared | Map.Anonymous, -1, 0);
        if (!shared.Succeeded)
            return null;
        byte* source = (byte*)NativeMemory.AlignedAlloc(length, 4096);
        byte* target = (byte*)NativeMemory.AlignedAlloc(length, 4096);
        try
        {
            new Span<byte>(source, (int)length).Fill(1);
            new Span<byte>(target, (int)length).Fill(2);
            LaneCost[] costs = new LaneCost[Lengths.Length];
            for (int i = 0; i < costs.Length; i++)
            {
                int bytes = Lengths[i];
                long copies = long.MaxValue;
                long pull = long.MaxValue;
                for (int turn = 0; turn < Turns; turn++)
                {
                    copies = Math.Min(copies, TimeCopies(source, (byte*)shared.Value, target, bytes));
                    long pulled = TimePull(source, target, bytes);
                    if (pulled < 0)
                        return null;
                    pull = Math.Min(pull, pulled);
                }

                costs[i] = new LaneCost(bytes, (int)copies, (int)pull);
            }

            return costs;
        }
        finally
        {
            NativeMemory.AlignedFree(source);
            NativeMemory.AlignedFree(target);
            Mman.munmap(shared.Value, length);
        }
    }

    /// <summary>The shortest length from which on pulling is never dearer; within the limits that a measurement may move it.</summary>
    public static int Crossover(ReadOnlySpan<LaneCost> costs)
    {
        int found = AttachThreshold.Most;
        for (int i = costs.Length - 1; i >= 0 && costs[i].OnePull <= costs[i].TwoCopies; i--)
            found = costs[i].Bytes;
        return Math.Clamp(found, AttachThreshold.Least, AttachThreshold.Most);
    }

    private static long TimeCopies(byte* source, byte* shared, byte* target, int bytes)
    {
        int times = Math.Max(1, BytesPerTurn / bytes);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < times; i++)
        {
            Buffer.MemoryCopy(source, shared, bytes, bytes);
            Buffer.MemoryCopy(shared, target, bytes, bytes);
        }

        return NanosecondsSince(start) / times;
    }

    /// <summary>As a receiver does it: the payload, and 16 bytes that prove whose memory it is, in one call. Less than 0: denied.</summary>
    private static long TimePull(byte* source, byte* target, int bytes)
    {
        int times = Math.Max(1, BytesPerTurn / bytes);
        byte* nonce = stackalloc byte[32];
        iovec* local = stackalloc iovec[2];
        iovec* remote = stackalloc iovec[2];
        local[0] = new iovec((nuint)nonce, 16);
        local[1] = new iovec((nuint)target, (nuint)bytes);
        remote[0] = new iovec((nuint)(nonce + 16), 16);
        remote[1] = new iovec((nuint)source, (nuint)bytes);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < times; i++)
        {
            if (Uio.process_vm_readv(Environment.ProcessId, local, 2, remote, 2).Value != bytes + 16)
                return -1;
        }

        return NanosecondsSince(start) / times;
    }

    private static long NanosecondsSince(long start) => (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds;
}

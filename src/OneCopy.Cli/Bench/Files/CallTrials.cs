using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Cli.Bench.Measuring;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Files;

/// <summary>pread(2) as the cheapest binding has it: the number of a descriptor, and a buffer that does not move.</summary>
internal sealed unsafe class PreadTrial(ReadPlan plan) : ReadTrial("pread", plan)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override ulong ReadAll()
    {
        using SafeFileHandle file = File.OpenHandle(Plan.Path);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(Plan.Length, pinned: true);
        int fd = file.Fd();
        ulong checksum = 0;
        fixed (byte* p = buffer)
        {
            foreach (long offset in Plan.Offsets)
            {
                SysResult read = Fcntl.pread(fd, p, (nuint)buffer.Length, offset);
                if (read.Value != buffer.Length)
                    read.OrThrow("pread", Plan.Path);
                checksum = Checksum.Add(checksum, buffer);
            }
        }

        return checksum;
    }
}

/// <summary>RandomAccess.Read of .NET, which is pread with a safe handle.</summary>
internal sealed class RandomAccessTrial(ReadPlan plan) : ReadTrial("RandomAccess.Read", plan)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override ulong ReadAll()
    {
        using SafeFileHandle file = File.OpenHandle(Plan.Path);
        byte[] buffer = new byte[Plan.Length];
        ulong checksum = 0;
        foreach (long offset in Plan.Offsets)
        {
            if (RandomAccess.Read(file, buffer, offset) != buffer.Length)
                throw new IOException($"{Plan.Path} became shorter.");
            checksum = Checksum.Add(checksum, buffer);
        }

        return checksum;
    }
}

/// <summary>preadv(2), with as many buffers in each call as one call of the library takes; of sequential reads, which lie one behind the other.</summary>
internal sealed class VectoredTrial(ReadPlan plan) : ReadTrial($"preadv of {BuffersFor(plan)}", plan)
{
    // Beyond that, buffers are no longer in the processor's cache when they are looked at.
    private const int MostBytes = 1 << 20;

    public static int BuffersFor(ReadPlan plan) => Math.Clamp(MostBytes / plan.Length, 1, ReadBuffers.Capacity);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override ulong ReadAll()
    {
        using SafeFileHandle file = File.OpenHandle(Plan.Path);
        byte[][] buffers = [.. Enumerable.Range(0, BuffersFor(Plan)).Select(_ => new byte[Plan.Length])];
        ReadOnlySpan<long> offsets = Plan.Offsets;
        ulong checksum = 0;
        for (int i = 0; i < offsets.Length;)
        {
            ReadBuffers places = new();
            int count = Math.Min(buffers.Length, offsets.Length - i);
            for (int b = 0; b < count; b++)
                places.Add(buffers[b]);
            VectoredIO.ReadExactlyAt(file, places, offsets[i]);
            for (int b = 0; b < count; b++)
                checksum = Checksum.Add(checksum, buffers[b]);
            i += count;
        }

        return checksum;
    }
}

/// <summary>preadv2(2) that does not wait for storage: what a program does that must not be held up.</summary>
internal sealed class NoWaitTrial(ReadPlan plan) : ReadTrial("preadv2 NOWAIT", plan)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override ulong ReadAll()
    {
        using SafeFileHandle file = File.OpenHandle(Plan.Path);
        if (!VectoredIO.SupportedReadFlags(file).HasFlag(VectoredFlags.NoWait))
            throw new NotHereException("This file system does not know RWF_NOWAIT.");
        byte[] buffer = new byte[Plan.Length];
        ulong checksum = 0;
        foreach (long offset in Plan.Offsets)
        {
            // The kernel may refuse a page that is in the cache, too: then as such a program does, the call that waits.
            if (!VectoredIO.TryReadAt(file, buffer, offset, out long count, VectoredFlags.NoWait) || count != buffer.Length)
                VectoredIO.ReadExactlyAt(file, buffer, offset);
            checksum = Checksum.Add(checksum, buffer);
        }

        return checksum;
    }
}

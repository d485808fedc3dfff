using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
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

using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Torture;

/// <summary>
/// A worker's journal: a file in shared memory, mapped by the worker and by the conductor. What a thread has stored before SIGKILL takes it
/// is in the file's pages, whatever becomes of the process: the kernel stops a thread between two instructions, and the stores before that
/// point are made. So the records of one thread are a prefix of what it would have written.
/// </summary>
/// <remarks>Page 0: counters and the slots of the worker's threads (<see cref="Slot"/>). Behind it a page for each slot to receive into, and then the records.</remarks>
internal sealed unsafe class Journal : IDisposable
{
    public const int Capacity = 400_000;
    public const int RecordSize = 16;
    public const int SlotCount = 10;

    private const int CountOffset = 0;
    private const int StageOffset = 8;
    private const int LateOffset = 64;
    private const int BeatOffset = 72;
    private const int HandedOutOffset = 128;
    private const int SlotsOffset = 512;
    private const int PlacesOffset = 4096;
    private const int RecordsOffset = PlacesOffset + (SlotCount * PlaceSize);

    /// <summary>Bytes that a thread receives into.</summary>
    public const int PlaceSize = 4096;

    private readonly MemoryMapping _map;
    private readonly byte* _base;

    private Journal(MemoryMapping map)
    {
        _map = map;
        _base = map.Address;
    }

    /// <summary>Records written or reserved.</summary>
    public long Count => Volatile.Read(ref *(long*)(_base + CountOffset));

    /// <summary>Nearly full: the worker leaves, and another takes its place.</summary>
    public bool IsNearlyFull => Count > Capacity - 20_000;

    /// <summary>{ handle:32, participant:24, stage:8 } in one word, so that they are seen together.</summary>
    public ref long StageWord => ref *(long*)(_base + StageOffset);

    /// <summary>By how much the worker's pulse was late in all, in nanoseconds: time in which the worker did not run when it should have.</summary>
    public ref long Late => ref *(long*)(_base + LateOffset);

    /// <summary>When the worker's pulse beat last; 0 = it has not begun.</summary>
    public ref long Beat => ref *(long*)(_base + BeatOffset);

    /// <summary>How many messages this worker was handed.</summary>
    public ref long HandedOut => ref *(long*)(_base + HandedOutOffset);

    public static void Create(string path)
    {
        using SafeFileHandle file = SafeFd.Open(path, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL, 0x180); // 0600
        FileLength.fallocate(file.Fd(), 0, 0, RecordsOffset + ((long)Capacity * RecordSize)).OrThrow("fallocate", path);
    }

    public static Journal Open(string path)
    {
        using SafeFileHandle file = SafeFd.Open(path, OpenFlags.O_RDWR);
        return new Journal(MemoryMapping.OfFile(file, 0, RecordsOffset + ((long)Capacity * RecordSize), Prot.Read | Prot.Write, path));
    }

    /// <summary>How long the file must be for what is in it.</summary>
    public long UsedLength => RecordsOffset + (Math.Min(Count, Capacity) * RecordSize);

    public Slot SlotAt(int index) => new(_base + SlotsOffset + (index * Slot.Size));

    /// <summary>Where the thread of a slot receives messages that are completed with that: what it had got when it was killed is here.</summary>
    public Span<byte> PlaceAt(int index) => new(_base + PlacesOffset + (index * PlaceSize), PlaceSize);

    public void Write(ulong message, Step step, int handle, int attempt)
    {
        long at = Interlocked.Increment(ref *(long*)(_base + CountOffset)) - 1;
        if (at >= Capacity)
            throw new IOException("The journal is full.");
        byte* p = _base + RecordsOffset + (at * RecordSize);
        *(ulong*)p = message;
        *(uint*)(p + 12) = (uint)(Stopwatch.GetTimestamp() / 100_000);

        // Release: who sees the step sees the rest. And a record of a step that begins is stored before the step itself, which
        // begins with fences of its own.
        Volatile.Write(ref *(uint*)(p + 8), ((uint)step << 24) | ((uint)(byte)handle << 16) | (ushort)attempt);
        Interlocked.MemoryBarrier();
    }

    /// <summary>All records of a worker that has ended; those that were reserved and not written are left out.</summary>
    public List<JournalRecord> ReadAll()
    {
        int count = (int)Math.Min(Count, Capacity);
        List<JournalRecord> records = new(count);
        for (int i = 0; i < count; i++)
        {
            byte* p = _base + RecordsOffset + ((long)i * RecordSize);
            uint word = Volatile.Read(ref *(uint*)(p + 8));
            if (word >> 24 != (uint)Step.None)
                records.Add(new JournalRecord(*(ulong*)p, (Step)(word >> 24), (byte)(word >> 16), (ushort)word, *(uint*)(p + 12)));
        }

        return records;
    }

    public void Dispose() => _map.Dispose();
}

/// <summary>What one thread (or asynchronous flow) of a worker is doing now, for the conductor to look at.</summary>
internal readonly unsafe struct Slot(byte* at)
{
    public const int Size = 64;

    /// <summary>{ number of the operation:56, what it is:8 }</summary>
    public long Word => Volatile.Read(ref *(long*)at);

    /// <summary>Since when, in nanoseconds of the machine's monotonic clock.</summary>
    public long Since => Volatile.Read(ref *(long*)(at + 8));

    /// <summary>Of a copy, the life of the message's sender; of a send, the message's length.</summary>
    public long Argument => Volatile.Read(ref *(long*)(at + 16));

    /// <summary>The kernel's number of the thread; 0 for a flow, which has none of its own.</summary>
    public int Thread => Volatile.Read(ref *(int*)(at + 24));

    public void BelongsToThisThread() => Volatile.Write(ref *(int*)(at + 24), (int)Syscall.Invoke(Syscall.SYS_gettid, 0, 0).Value);

    /// <summary>How long the process's threads had stood in line for a processor when it entered, if it entered by <see cref="EnterCounted"/>.</summary>
    public long QueuedAtEntry => Volatile.Read(ref *(long*)(at + 32));

    /// <summary>The second number of a thread's schedstat (proc(5)), in nanoseconds; 0 if the kernel does not count.</summary>
    public static long QueuedForProcessor(string path)
    {
        try
        {
            string[] words = File.ReadAllText(path).Split(' ');
            return words.Length > 1 && long.TryParse(words[1], out long waited) ? waited : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>The sum for all threads of a process that live.</summary>
    public static long QueuedForProcessorOfAll(string process)
    {
        try
        {
            return Directory.EnumerateDirectories($"/proc/{process}/task").Sum(t => QueuedForProcessor(t + "/schedstat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // It ended.
        }
    }

    /// <summary>For operations that are rare, and that start threads or end them.</summary>
    public void EnterCounted(Operation operation)
    {
        Volatile.Write(ref *(long*)(at + 32), QueuedForProcessorOfAll("self"));
        Enter(operation);
    }

    public static Operation OperationOf(long word) => (Operation)(byte)word;

    public void Enter(Operation operation, long argument = 0) => Change(operation, argument);

    public void Leave() => Change(Operation.Idle, 0);

    private void Change(Operation operation, long argument)
    {
        long next = ((*(long*)at >> 8) + 1) << 8;
        Volatile.Write(ref *(long*)(at + 8), Stopwatch.GetTimestamp());
        Volatile.Write(ref *(long*)(at + 16), argument);
        Volatile.Write(ref *(long*)at, next | (long)operation);
    }
}

/// <summary>What a worker's thread may be in the middle of.</summary>
internal enum Operation : byte
{
    Idle,

    /// <summary>Waits for room: blocks and arena of its own, the ring.</summary>
    Send,

    /// <summary>Waits for room, and then until a receiver is done with the message.</summary>
    SendAttached,

    /// <summary>Waits for a message.</summary>
    Receive,

    /// <summary>The same, into its place in the journal, where it is completed in the same call.</summary>
    ReceiveInto,

    /// <summary>Copies a payload; where the pull is refused it waits for the sender.</summary>
    Copy,

    /// <summary>Completes or abandons: waits for nobody.</summary>
    Answer,

    DeadLetter,
    Open,
    Close,
}

/// <summary>How far a worker is with its handle.</summary>
internal enum Stage : byte
{
    Starting,
    Opening,
    Joined,
    Closing,
    Closed,
}

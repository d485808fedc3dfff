using System.Diagnostics;
using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>
/// Reads pieces of a file on a thread of its own, ahead of the one that writes them. The writer never depends on it: a piece that is not there in
/// time the writer reads itself, and the reader goes on behind it. So where no processor is free, this is as slow as reading and writing in turn, and no slower.
/// </summary>
internal sealed unsafe class ReadAhead : IDisposable
{
    /// <summary>Bytes of a piece, but for the last.</summary>
    public const int PieceLength = 256 << 10;

    /// <summary>Below this an extent is copied before a second thread has helped.</summary>
    public const long Least = 1 << 20;

    // 2 MiB in all: what was read is still in a cache of the processor when it is written.
    private const int Places = 8;

    // A piece takes some 40 µs to read; whoever waits longer waits for a thread that does not run.
    private const int PatienceMicroseconds = 40;

    private readonly byte* _pieces = (byte*)NativeMemory.AlignedAlloc(Places * PieceLength, (nuint)Environment.SystemPageSize);
    private readonly long[] _ready = new long[Places]; // The number of the piece that is in a place, plus one.
    private readonly int[] _counts = new int[Places];
    private readonly ManualResetEventSlim _job = new(initialState: false, spinCount: 0);
    private readonly ManualResetEventSlim _room = new(initialState: false, spinCount: 0);
    private readonly ManualResetEventSlim _idle = new(initialState: true, spinCount: 0);
    private readonly Thread _thread;

    // The job: changed only while the thread is idle.
    private int _file;
    private long _offset;
    private long _length;

    private long _next; // The reader's: the piece that it reads, or reads next.
    private long _wanted; // The writer's: the piece that it needs.
    private int _sleeping;
    private bool _stops;

    public ReadAhead()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "OneCopy read-ahead" };
        _thread.Start();
    }

    /// <summary>Begins to read; <see cref="End"/> is to be called before the descriptor is closed.</summary>
    public void Begin(int file, long offset, long length)
    {
        _file = file;
        _offset = offset;
        _length = length;
        Array.Clear(_ready);
        _next = 0;
        _wanted = 0;
        _idle.Reset();
        _job.Set();
    }

    /// <summary>Returns when nothing is read any more: after the call at hand.</summary>
    public void End()
    {
        Interlocked.Exchange(ref _wanted, long.MaxValue);
        _room.Set();
        _idle.Wait();
    }

    /// <summary>The piece, if it was read, or is within moments. Valid until <see cref="Release"/>.</summary>
    /// <param name="piece">Its number from the beginning of the job; one after the other.</param>
    /// <param name="bytes">Where it is.</param>
    /// <param name="count">How many: fewer than asked for where the file ended, or was read from in part.</param>
    public bool TryTake(long piece, out byte* bytes, out int count)
    {
        int place = (int)(piece % Places);
        bytes = _pieces + ((long)place * PieceLength);
        count = 0;
        long start = 0;

        // Acquire: the bytes and their count were there before the number.
        while (Volatile.Read(ref _ready[place]) != piece + 1)
        {
            if (Volatile.Read(ref _next) != piece)
                return false;
            if (start == 0)
                start = Stopwatch.GetTimestamp();
            else if (Stopwatch.GetElapsedTime(start).TotalMicroseconds > PatienceMicroseconds)
                return false;
            Thread.SpinWait(20);
        }

        count = _counts[place];
        return count >= 0;
    }

    /// <summary>The piece was written, whoever had read it: its place is free.</summary>
    public void Release(long piece)
    {
        // A full fence between this and the look at the sleeper, as between the sleeper's word and its look at this: one of the two sees the other.
        Interlocked.Exchange(ref _wanted, piece + 1);
        if (Volatile.Read(ref _sleeping) != 0 && Volatile.Read(ref _next) - piece <= Places / 2)
            _room.Set();
    }

    public void Dispose()
    {
        Volatile.Write(ref _stops, true);
        _job.Set();
        _thread.Join();
        NativeMemory.AlignedFree(_pieces);
        _job.Dispose();
        _room.Dispose();
        _idle.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _job.Wait();
            _job.Reset();
            if (Volatile.Read(ref _stops))
                return;
            ReadAll();
            _idle.Set();
        }
    }

    private void ReadAll()
    {
        long pieces = ((_length - 1) / PieceLength) + 1;
        while (true)
        {
            long wanted = AwaitRoom();
            long piece = _next;
            if (piece < wanted)
                Volatile.Write(ref _next, piece = wanted == long.MaxValue ? wanted : wanted + 1); // The writer is just reading the one that it wants.
            if (piece >= pieces)
                return;
            int place = (int)(piece % Places);
            long at = piece * PieceLength;
            SysResult r;
            do
                r = Fcntl.pread(_file, _pieces + ((long)place * PieceLength), (nuint)Math.Min(PieceLength, _length - at), _offset + at);
            while (r.Errno == Errno.EINTR);
            _counts[place] = r.Succeeded ? (int)r.Value : -1; // The writer makes the call again, and says what is wrong.
            Volatile.Write(ref _ready[place], piece + 1); // Release.
            Volatile.Write(ref _next, piece + 1);
        }
    }

    /// <summary>Sleeps while all places are full, until half of them are free, so that not every piece is a wake-up.</summary>
    private long AwaitRoom()
    {
        while (true)
        {
            long wanted = Volatile.Read(ref _wanted);
            if (_next - wanted < Places)
                return wanted;
            _room.Reset();
            Interlocked.Exchange(ref _sleeping, 1);
            if (_next - Volatile.Read(ref _wanted) >= Places)
                _room.Wait();
            Volatile.Write(ref _sleeping, 0);
        }
    }
}

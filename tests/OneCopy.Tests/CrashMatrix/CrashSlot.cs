using System.IO.MemoryMappedFiles;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>
/// Where rows run one after the other: the two survivors, which live through many rows, the page they share with each row's victim, and the
/// next victim, started while the row before runs.
/// </summary>
internal sealed class CrashSlot : IDisposable
{
    public const int SenderNumber = 1;
    public const int VictimNumber = 2;
    public const int ReceiverNumber = 5;

    private readonly Messaging.TestRoot _root = new();
    private readonly MemoryMappedFile _board;
    private readonly MemoryMappedViewAccessor _view;
    private readonly string _boardPath;
    private CrashProcess? _sender;
    private CrashProcess? _receiver;
    private CrashProcess? _next;
    private int _rows;

    public CrashSlot()
    {
        Directory.CreateDirectory(_root.Path);
        _boardPath = Path.Combine(_root.Path, "board");
        File.WriteAllBytes(_boardPath, new byte[4096]);
        _board = MemoryMappedFile.CreateFromFile(_boardPath, FileMode.Open);
        _view = _board.CreateViewAccessor(0, 4096);
    }

    /// <summary>The instant of the crash, in nanoseconds of CLOCK_MONOTONIC; 0 = not yet.</summary>
    public long At
    {
        get => _view.ReadInt64(0);
        set => _view.Write(0, value);
    }

    /// <summary>How often the victim went to sleep, or met a full ring as a recoverer, since its steps count.</summary>
    public long Sleeps => _view.ReadInt64(16);

    /// <summary>Whether somebody waits at a step.</summary>
    public bool SomebodyWaits => _view.ReadInt64(24) > 0;

    public CrashProcess Sender => _sender ??= Start(SenderNumber);

    public CrashProcess Receiver => _receiver ??= Start(ReceiverNumber);

    /// <summary>A root for the queues of one row; resets the page.</summary>
    public string BeginRow()
    {
        At = 0;
        _view.Write(8, 0L);
        _view.Write(16, 0L);
        _view.Write(24, 0L);
        string root = Path.Combine(_root.Path, $"row{++_rows}");
        Directory.CreateDirectory(root);
        return root;
    }

    /// <summary>Has a process go on that waits at a step.</summary>
    public void LetGo() => _view.Write(8, 1L);

    public CrashProcess TakeVictim()
    {
        CrashProcess victim = _next ?? Start(VictimNumber);
        _next = null;
        return victim;
    }

    public void PrepareVictim() => _next ??= Start(VictimNumber);

    public CrashProcess Start(int number) => new(number, _boardPath);

    /// <summary>After a row that failed nobody knows what its survivors are in: the next row gets new ones.</summary>
    public void DropSurvivors()
    {
        _sender?.Dispose();
        _receiver?.Dispose();
        _sender = _receiver = null;
    }

    public void Dispose()
    {
        DropSurvivors();
        _next?.Dispose();
        _view.Dispose();
        _board.Dispose();
        _root.Dispose();
    }
}

namespace OneCopy;

/// <summary>
/// What is still to be done of a tree, last in, first out: a directory's files come before its brothers, which keeps few directories open. Empty, with
/// nobody at work who could add to it, is the end.
/// </summary>
internal sealed class TreeQueue
{
    private readonly Lock _gate = new();
    private readonly Stack<object> _items = new();
    private readonly SemaphoreSlim _filled = new(0);
    private int _atWork;
    private bool _ended;

    /// <summary>A <see cref="TreeNode"/> to be opened and listed, or a <see cref="TreeBatch"/>.</summary>
    public void Push(object item)
    {
        lock (_gate)
            _items.Push(item);
        _filled.Release();
    }

    /// <summary>The next, or null at the end. Whoever took one says <see cref="Done"/> before the next.</summary>
    public object? Take()
    {
        while (true)
        {
            _filled.Wait();
            lock (_gate)
            {
                if (_ended)
                    return null;
                if (_items.TryPop(out object? item))
                {
                    _atWork++;
                    return item;
                }
            }
        }
    }

    public void Done(int threads)
    {
        lock (_gate)
        {
            if (--_atWork != 0 || _items.Count != 0)
                return;
        }
        End(threads);
    }

    /// <summary>Nobody takes any more.</summary>
    public void End(int threads)
    {
        lock (_gate)
            _ended = true;
        _filled.Release(threads);
    }
}

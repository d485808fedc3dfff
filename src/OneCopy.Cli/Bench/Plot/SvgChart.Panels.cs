namespace OneCopy.Cli.Bench.Plot;

internal sealed partial class SvgChart
{
    private const double PanelLeft = 104;
    private const double PanelRight = 24;
    private const double PanelTop = 36;
    private const double PanelBottom = 62;

    /// <summary>Beside the first and the last size there is room for the marks.</summary>
    private const double Room = 1.25;

    private void PanelAt(Panel panel, Line[] ways, double left, double top)
    {
        double x0 = left + PanelLeft, x1 = left + PanelWidth - PanelRight;
        double y0 = top + PanelHeight - PanelBottom, y1 = top + PanelTop;
        Text((x0 + x1) / 2, top + 22, panel.Title, 15, "middle", bold: true);
        if (panel.Lines.Count == 0)
        {
            Element("rect", ("x", N(x0)), ("y", N(y1)), ("width", N(x1 - x0)), ("height", N(y0 - y1)), ("fill", "none"), ("stroke", "#bbb"));
            Words(panel.Absence ?? "Not measured.", (x0 + x1) / 2, (y0 + y1) / 2);
            return;
        }

        double[] sizes = [.. panel.Lines.SelectMany(l => l.Points).Select(p => p.X).Distinct().Order()];
        LogAxis across = new(sizes[0] / Room, sizes[^1] * Room, x0, x1);

        LogAxis up = LogAxis.Around(panel.Lines.SelectMany(l => l.Points).SelectMany(p => (double[])[p.Least, p.Most]), y0, y1);
        Axes(panel, sizes, across, up, (x0, x1, y0, y1));
        foreach (Line line in panel.Lines)
            LineAt(line, NumberOf(line, ways), across, up);
    }

    private void Axes(Panel panel, double[] sizes, LogAxis across, LogAxis up, (double X0, double X1, double Y0, double Y1) box)
    {
        foreach (double tick in up.Ticks())
        {
            double y = up.At(tick);
            Element("line", ("x1", N(box.X0)), ("x2", N(box.X1)), ("y1", N(y)), ("y2", N(y)), ("stroke", "#e2e2e2"));
            Text(box.X0 - 8, y + 4.5, panel.YLabel(tick), Small, "end");
        }

        // Words that would run into the ones behind them are left out, for the largest size is to have its own; the line at the size stays.
        double free = double.MaxValue;
        foreach (double size in sizes.Reverse())
        {
            double x = across.At(size);
            string label = panel.XLabel(size);
            double half = label.Length * Small * CharacterWidth / 2;
            Element("line", ("x1", N(x)), ("x2", N(x)), ("y1", N(box.Y0)), ("y2", N(box.Y1)), ("stroke", "#f0f0f0"));
            if (x + half >= free)
                continue;
            Element("line", ("x1", N(x)), ("x2", N(x)), ("y1", N(box.Y0)), ("y2", N(box.Y0 + 5)), ("stroke", "#444"));
            Text(x, box.Y0 + 20, label, Small, "middle");
            free = x - half - 8;
        }

        Element("path", ("d", $"M{N(box.X0)},{N(box.Y1)} V{N(box.Y0)} H{N(box.X1)}"), ("fill", "none"), ("stroke", "#444"));
        Text((box.X0 + box.X1) / 2, box.Y0 + 44, panel.XTitle, Small, "middle");
        double middle = (box.Y0 + box.Y1) / 2;
        Text(box.X0 - 86, middle, panel.YTitle, Small, "middle", turn: -90);
    }

    private void LineAt(Line line, int number, LogAxis across, LogAxis up)
    {
        string colour = ColourOf(number);
        Point[] points = [.. line.Points.Where(p => p.Y > 0).OrderBy(p => p.X)];
        _xml.WriteStartElement("g", Namespace);
        _xml.WriteAttributeString("class", "way");
        _xml.WriteElementString("title", Namespace, line.Name);
        string places = string.Join(' ', points.Select(p => $"{N(across.At(p.X))},{N(up.At(p.Y))}"));
        Element("polyline", [("points", places), ("fill", "none"), ("stroke-linejoin", "round"), .. StrokeOf(line, number)]);
        foreach (Point p in points)
        {
            double x = across.At(p.X);
            Element("line", ("x1", N(x)), ("x2", N(x)), ("y1", N(up.At(p.Least))), ("y2", N(up.At(p.Most))), ("stroke", colour), ("stroke-opacity", "0.45"));
            Mark(number, x, up.At(p.Y));
        }

        _xml.WriteEndElement();
    }

    private void Mark(int number, double x, double y)
    {
        const double R = 4.2;

        // When the colours begin again, the marks are others.
        string d = ((number + (number / s_colours.Length)) % 5) switch
        {
            0 => $"M{N(x - R)},{N(y)} a{N(R)},{N(R)} 0 1 0 {N(2 * R)},0 a{N(R)},{N(R)} 0 1 0 {N(-2 * R)},0 z",
            1 => $"M{N(x - R)},{N(y - R)} h{N(2 * R)} v{N(2 * R)} h{N(-2 * R)} z",
            2 => $"M{N(x)},{N(y - R - 1)} L{N(x + R + 1)},{N(y + R)} H{N(x - R - 1)} z",
            3 => $"M{N(x)},{N(y - R - 1.5)} L{N(x + R + 1.5)},{N(y)} L{N(x)},{N(y + R + 1.5)} L{N(x - R - 1.5)},{N(y)} z",
            _ => $"M{N(x)},{N(y + R + 1)} L{N(x + R + 1)},{N(y - R)} H{N(x - R - 1)} z",
        };
        Element("path", ("d", d), ("fill", ColourOf(number)), ("stroke", "white"), ("stroke-width", "0.8"));
    }

    /// <summary>A sentence in lines that fit into a panel.</summary>
    private void Words(string sentence, double x, double y)
    {
        const int Most = 56;
        List<string> lines = [""];
        foreach (string word in sentence.Split(' '))
        {
            if (lines[^1].Length + word.Length > Most)
                lines.Add("");
            lines[^1] += (lines[^1].Length == 0 ? "" : " ") + word;
        }

        for (int i = 0; i < lines.Count; i++)
            Text(x, y + ((i - ((lines.Count - 1) / 2.0)) * 20), lines[i], Small, "middle");
    }

    private void Text(double x, double y, string text, double size, string anchor, bool bold = false, double turn = 0)
    {
        _xml.WriteStartElement("text", Namespace);
        _xml.WriteAttributeString("x", N(x));
        _xml.WriteAttributeString("y", N(y));
        _xml.WriteAttributeString("font-size", N(size));
        _xml.WriteAttributeString("text-anchor", anchor);
        _xml.WriteAttributeString("fill", "#222");
        if (bold)
            _xml.WriteAttributeString("font-weight", "bold");
        if (turn != 0)
            _xml.WriteAttributeString("transform", $"rotate({N(turn)} {N(x)} {N(y)})");
        _xml.WriteString(text);
        _xml.WriteEndElement();
    }

    private void Element(string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        _xml.WriteStartElement(name, Namespace);
        foreach ((string attribute, string value) in attributes)
            _xml.WriteAttributeString(attribute, value);
        _xml.WriteEndElement();
    }
}
